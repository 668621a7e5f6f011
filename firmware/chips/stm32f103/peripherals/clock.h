#pragma once

#include "board.h"

#define CLOCK_INTERNAL_HZ 8000000u

/* Runs the chip at 72 MHz from the crystal. If the crystal or the PLL does not start within a bounded wait, the chip
 * stays on the internal 8 MHz oscillator, where everything works, only slower. */
struct board_clock clock_start(void);

/* Whether the crystal has stopped, which raises NMI. The chip then runs from the internal oscillator; dividers still
 * suit the crystal until the next reset. */
bool clock_is_lost(void);
