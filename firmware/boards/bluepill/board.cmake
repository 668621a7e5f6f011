# The Blue Pill. Its wiring is in board_config.h.
set(CHIP stm32f103)
set(CHIP_MEMORY stm32f103c8)
