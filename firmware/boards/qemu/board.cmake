# QEMU's machine stm32vldiscovery: an STM32F100 as far as QEMU simulates it, with less SRAM than the Blue Pill. Not
# for the real board, whose chip runs at 24 MHz at most.
set(CHIP stm32f103)
set(CHIP_MEMORY stm32f100rb)
