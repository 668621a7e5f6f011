# The firmware for a board with this chip. The board sets CHIP_MEMORY.
set(chip_dir ${CMAKE_CURRENT_LIST_DIR})
set(layout ${chip_dir}/memory/${CHIP_MEMORY}.ld ${chip_dir}/image/firmware.ld ${chip_dir}/image/debug.ld)

target_compile_options(firmware_options INTERFACE
  -ffreestanding -ffunction-sections -fdata-sections -fno-common
  -fno-tree-loop-distribute-patterns # or memset() would be compiled to a call of itself
  $<$<NOT:$<CONFIG:Debug>>:-Wstack-usage=384>) # three eighths of the stack

add_executable(firmware
  ${chip_dir}/board.c
  ${chip_dir}/core/fault.c ${chip_dir}/core/runtime.c ${chip_dir}/core/stack.c ${chip_dir}/core/startup.c
  ${chip_dir}/peripherals/clock.c ${chip_dir}/serial/dma.c ${chip_dir}/peripherals/timebase.c
  ${chip_dir}/serial/uart.c)
target_include_directories(firmware PRIVATE
  ${board_dir} ${chip_dir} ${chip_dir}/core ${chip_dir}/peripherals ${chip_dir}/serial)
target_link_libraries(firmware PRIVATE firmware_options application network
  gcc) # 64-bit division and the like; no C library
list(TRANSFORM layout PREPEND -T OUTPUT_VARIABLE layout_options)
target_link_options(firmware PRIVATE
  -nostdlib -Wl,--gc-sections -Wl,--fatal-warnings -Wl,--orphan-handling=error
  ${layout_options} -Wl,-Map=firmware.map -Wl,--print-memory-usage)
set_target_properties(firmware PROPERTIES SUFFIX .elf LINK_DEPENDS "${layout}")

find_package(Python3 REQUIRED COMPONENTS Interpreter)
add_custom_command(TARGET firmware POST_BUILD
  COMMAND ${Python3_EXECUTABLE} ${chip_dir}/image/stamp_checksum.py ${CMAKE_OBJCOPY} firmware.elf
  COMMAND ${CMAKE_OBJCOPY} -O binary firmware.elf firmware.bin
  COMMAND ${CMAKE_OBJCOPY} -O ihex firmware.elf firmware.hex
  BYPRODUCTS firmware.bin firmware.hex firmware.map
  VERBATIM)
