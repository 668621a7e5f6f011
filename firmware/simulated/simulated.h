/* A board in memory: the application of the chip on a wire that is simulated bit by bit. Its time passes only while it
 * works or waits, so a second takes microseconds. There is one such board in a process.
 *
 * Board and host each have their own time and their own baud rate. What the host sends takes its time, and the board
 * runs until then. A busy board lags behind, and its receive buffer fills. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "receive_buffer.h"

/* Power on. What the board had sent stays on the wire, up to the character that the reset cuts.
 *   intact: whether the firmware's checksum matches
 *   source: what runs the board */
void simulated_reset(bool intact, enum board_clock_source source);

/* ---- The host's end ---- */

/* The host's baud rate; 0 follows each change of the board's. */
void simulated_set_host_baud(uint32_t baud);

void simulated_send(const uint8_t *bytes, size_t size);

/* As simulated_send(), for one character whose bits `damage` are inverted on the wire: 1 is the start bit, 512 the stop
 * bit. */
void simulated_send_damaged(uint8_t byte, uint16_t damage);

/* Inverts bits of the character that the board sends after `skip` others. */
void simulated_damage_output(uint32_t skip, uint16_t damage);

void simulated_silence_us(uint32_t microseconds);

/* Lets the board answer everything that it has received. */
void simulated_settle(void);

/* The host's time in microseconds since the start of the process. */
uint64_t simulated_now(void);

/* Takes what the host has received since the last call; valid until the next call of any function. A character with a
 * framing error is received as 0, as Linux does. */
size_t simulated_output(const uint8_t **bytes);

/* ---- The board's end ---- */

/* Errors that the USART reports at this point of the stream. */
void simulated_damage(uint32_t lost, uint32_t framing, uint32_t noise);

/* The main loop does nothing else while this number of characters can arrive. */
void simulated_busy(uint32_t characters);

/* The board's baud rate. */
uint32_t simulated_board_baud(void);

/* If set, these see each event that the application takes and each change of its rate, with board_milliseconds(), and
 * each byte that it sends. */
extern void (*simulated_receive_tap)(enum receive_event event, uint8_t byte, struct receive_faults faults,
                                     uint32_t now);
extern void (*simulated_baud_tap)(uint32_t baud, uint32_t now);
extern void (*simulated_output_tap)(uint8_t byte);
