#pragma once

#include "board.h"

#define CLOCK_INTERNAL_HZ 8000000u

/* Runs the chip at 72 MHz from the crystal. A crystal or PLL that does not start within a bounded
 * wait leaves it on the internal 8 MHz oscillator, where everything works, only slower. */
struct board_clock clock_start(void);

/* Whether the crystal has stopped, which raises NMI. The chip then runs on from the internal oscillator, with
 * nothing set for that clock; after a reset everything is. */
bool clock_is_lost(void);
