/* What the application needs from a board. A chip's folder or boards/native/ implements it. */
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

/* Why the board started: a value of `reset` in LINK.md. */
const char *board_reset_reason(void);

/* Whether the image in flash matches the checksum that the build stamped on it. */
bool board_firmware_intact(void);

/* The most stack ever used, in bytes. */
uint32_t board_stack_used(void);

/* ---- Time ---- */

/* Milliseconds since board_init(); wraps after 49 days. */
uint32_t board_milliseconds(void);

/* Whether board_cycles() counts. Some simulators lack the counter. */
bool board_counts_cycles(void);

/* Processor cycles; wraps after 59 s at 72 MHz. */
uint32_t board_cycles(void);

/* Sleeps until a byte is received, at most a millisecond. */
void board_idle(void);

/* Feeds the watchdog. Without it the board resets within 1.1 to 2.2 s. */
void board_watchdog_feed(void);

/* ---- Input and output; text_output() of text.h belongs here, too ---- */

/* Takes the next event of the receive buffer. */
enum receive_event board_receive(uint8_t *byte, struct receive_faults *faults);

/* Whether the clock makes this baud rate precisely enough, and the board can take its bytes. */
bool board_can_make_baud(uint32_t baud);

/* Changes the baud rate once everything queued has been sent. */
void board_set_baud(uint32_t baud);

void board_led(bool on);
