/* A board without hardware: its wire is memory, and its time passes only while it works or waits, so that a
 * second takes microseconds. The application in it is the one that runs on the chip.
 *
 * The host's side of the wire has a clock of its own: what it sends takes its time at the board's baud rate, and
 * the board is run up to then. A board that is busy meanwhile lags behind, and its receive buffer fills. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "receive_buffer.h"

/* What runs the board from its next reset on: the crystal by default. */
void simulated_set_clock(enum board_clock_source source);

/* Power on. `intact`: whether the firmware's checksum holds. What was said before is kept. */
void simulated_reset(bool intact);

void simulated_send(const uint8_t *bytes, size_t size);
void simulated_silence(uint32_t milliseconds);

/* Damage that the USART notices, at this point of the stream. */
void simulated_damage(uint32_t lost, uint32_t framing, uint32_t noise);

/* The main loop looks away for so long. */
void simulated_busy(uint32_t characters);

/* Lets the board answer all that it has received. */
void simulated_settle(void);

/* Microseconds that passed on the host's side since the start of the process. */
uint64_t simulated_now(void);

/* Takes what the board has said since the last call; the bytes are valid until the next call of anything. */
size_t simulated_said(const uint8_t **text);

/* When set, these see what the application does, with board_milliseconds(): every event that it takes, and every
 * change of the baud rate. */
extern void (*simulated_receive_tap)(enum receive_event event, uint8_t byte, struct receive_faults faults,
                                     uint32_t now);
extern void (*simulated_baud_tap)(uint32_t baud, uint32_t now);
