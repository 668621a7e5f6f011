# The firmware for a board with this chip. The board sets CHIP_MEMORY.
set(chip_dir ${CMAKE_CURRENT_LIST_DIR})
set(memory_layout ${chip_dir}/memory/${CHIP_MEMORY}.ld)

add_compile_options(
  -mcpu=cortex-m3 -mthumb -ffreestanding -ffunction-sections -fdata-sections -fno-common
  -fno-tree-loop-distribute-patterns) # or memset() would be compiled to a call of itself

add_executable(firmware
  ${firmware_sources}
  ${chip_dir}/board.c ${chip_dir}/peripherals/clock.c ${chip_dir}/core/fault.c ${chip_dir}/core/runtime.c
  ${chip_dir}/core/stack.c ${chip_dir}/core/startup.c ${chip_dir}/peripherals/uart.c)
target_include_directories(firmware PRIVATE ${board_dir} ${chip_dir}/core ${chip_dir}/peripherals)
set_target_properties(firmware PROPERTIES
  SUFFIX .elf
  LINK_DEPENDS "${chip_dir}/image/firmware.ld;${memory_layout}")
target_link_options(firmware PRIVATE
  -mcpu=cortex-m3 -mthumb -nostdlib -Wl,--gc-sections -Wl,--fatal-warnings -Wl,--no-warn-rwx-segments
  -T${memory_layout} -T${chip_dir}/image/firmware.ld -Wl,-Map=firmware.map)
target_link_libraries(firmware PRIVATE gcc) # 64-bit division and the like; no C library

find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_custom_command(TARGET firmware POST_BUILD
  COMMAND ${Python3_EXECUTABLE} ${chip_dir}/image/stamp_checksum.py ${CMAKE_OBJCOPY} firmware.elf
  COMMAND ${CMAKE_OBJCOPY} -O binary firmware.elf firmware.bin
  COMMAND ${CMAKE_OBJCOPY} -O ihex firmware.elf firmware.hex
  BYPRODUCTS firmware.bin firmware.hex firmware.map
  VERBATIM)
