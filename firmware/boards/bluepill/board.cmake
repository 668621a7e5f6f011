set(board_dir ${CMAKE_SOURCE_DIR}/boards/bluepill)

add_compile_options(
  -mcpu=cortex-m3 -mthumb -ffreestanding -ffunction-sections -fdata-sections -fno-common
  -fno-tree-loop-distribute-patterns) # or memset() would be compiled to a call of itself

add_executable(firmware
  ${firmware_sources}
  ${board_dir}/board.c ${board_dir}/clock.c ${board_dir}/fault.c ${board_dir}/runtime.c
  ${board_dir}/stack.c ${board_dir}/startup.c ${board_dir}/uart.c)
set_target_properties(firmware PROPERTIES
  SUFFIX .elf
  LINK_DEPENDS "${board_dir}/stm32f103c8.ld;${board_dir}/memory.ld")
target_link_options(firmware PRIVATE
  -mcpu=cortex-m3 -mthumb -nostdlib -Wl,--gc-sections -Wl,--fatal-warnings -Wl,--no-warn-rwx-segments
  -L${board_dir} -T${board_dir}/stm32f103c8.ld -Wl,-Map=firmware.map)
target_link_libraries(firmware PRIVATE gcc) # 64-bit division and the like; no C library

find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_custom_command(TARGET firmware POST_BUILD
  COMMAND ${Python3_EXECUTABLE} ${board_dir}/stamp_checksum.py ${CMAKE_OBJCOPY} firmware.elf
  COMMAND ${CMAKE_OBJCOPY} -O binary firmware.elf firmware.bin
  COMMAND ${CMAKE_OBJCOPY} -O ihex firmware.elf firmware.hex
  BYPRODUCTS firmware.bin firmware.hex firmware.map
  VERBATIM)
