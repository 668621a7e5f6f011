/* What the application asks of a board. Each folder beside this file implements it once. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "receive_buffer.h"

/* What runs the processor: the crystal, or the internal oscillator because a stage of the start-up failed. */
enum board_clock_source { BOARD_CLOCK_CRYSTAL, BOARD_CLOCK_NO_CRYSTAL, BOARD_CLOCK_NO_PLL };

struct board_clock {
    uint32_t hz;
    enum board_clock_source source;
};

/* Starts the clock, the serial port, the time base, the LED and the watchdog. */
void board_init(void);

/* ---- What the board knows about itself ---- */

struct board_clock board_clock(void);

/* Why the board started: one of the words that LINK.md lists for `reset`. */
const char *board_reset_reason(void);

/* Whether the firmware's image in flash has the checksum that the build stamped on it. */
bool board_firmware_intact(void);

/* The most stack ever used, in bytes. */
uint32_t board_stack_used(void);

/* ---- Time ---- */

/* Milliseconds since board_init(); wraps after 49 days. */
uint32_t board_milliseconds(void);

/* Whether board_cycles() counts: not every simulator has the counter. */
bool board_counts_cycles(void);

/* Processor cycles; wraps after 59 s at 72 MHz. */
uint32_t board_cycles(void);

/* Waits for something to happen, a received byte or a millisecond, without using power. */
void board_idle(void);

/* Tells the watchdog that the main loop is alive; without it the board resets within 1.1 to 2.2 s. */
void board_watchdog_feed(void);

/* ---- Input and output; text_output() of text.h is the board's, too ---- */

/* Takes the next event of the receive buffer. */
enum receive_event board_receive(uint8_t *byte, struct receive_faults *faults);

/* Whether the clock makes this baud rate precisely enough, and the board can take its bytes. */
bool board_can_make_baud(uint32_t baud);

/* Changes to a baud rate that the clock can make, once everything queued has been sent. */
void board_set_baud(uint32_t baud);

void board_led(bool on);
