/* What the application asks of a board. Each folder beside this file implements it once. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "receive_buffer.h"

struct board_clock {
    uint32_t hz;
    bool crystal; /* false: the crystal did not start, and the internal oscillator runs the chip */
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

/* ---- Input and output ---- */

/* Takes the next event of the receive buffer. */
enum receive_event board_receive(uint8_t *byte, struct receive_faults *faults);

/* Sends one byte, sleeping while the queue is full. */
void board_transmit(uint8_t byte);

/* Whether the clock can make this baud rate within 2 %, and the board can take its bytes. */
bool board_can_make_baud(uint32_t baud);

/* Changes to a baud rate that the clock can make, once everything queued has been sent. */
void board_set_baud(uint32_t baud);

void board_led(bool on);
