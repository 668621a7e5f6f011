#pragma once

#include "board.h"

/* Runs the chip at 72 MHz from the 8 MHz crystal. A crystal or PLL that does not start within a bounded
 * wait leaves it on the internal 8 MHz oscillator, where everything works, only slower. */
struct board_clock clock_start(void);

/* Resets the board after the crystal stopped. The chip runs on from the internal oscillator then, but nothing
 * in it is set for that clock; after a reset everything is. */
_Noreturn void clock_lost(void);
