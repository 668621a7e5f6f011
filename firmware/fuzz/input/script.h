/* A fuzzer's input as a script for the board: bytes for the wire, and between them escapes for all other events. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "receive_buffer.h"

/* An escape is this byte, one of the letters below, and the bytes that the letter takes. Before any other byte it is
 * itself for the wire. tooling/fuzz/seeds.py writes scripts. */
#define SCRIPT_ESCAPE 0x1b

#define SCRIPT_SILENCE 's' /* milliseconds */
#define SCRIPT_LOST    'l' /* number of bytes */
#define SCRIPT_LINE    'n' /* framing errors << 4 | noise errors */
#define SCRIPT_BUSY    'b' /* the main loop does nothing else, in units of 8 characters */
#define SCRIPT_RESET   'r' /* bit 0: damaged flash; bits 1 and 2: enum board_clock_source */
#define SCRIPT_HOST    'h' /* the host's baud rate: an index into SCRIPT_RATES */
#define SCRIPT_FRAME   'f' /* struct frame, byte by byte: a body with a right checksum, without delimiters */
#define SCRIPT_IMAGE   'i' /* as 'f', but its length is a number, -128 to 127, added to that of an image; */
/* then how much of it comes, in 255ths */

/* 0 follows the board. At 120000 a receiver at 115200 misreads only a part of the characters. */
#define SCRIPT_RATES {0, 115200, 120000, 150000, 230400, 921600, 1000000, 2000000}

struct script_actions {
    void (*byte)(uint8_t byte);
    void (*silence)(uint32_t milliseconds);
    void (*damage)(struct receive_faults faults);
    void (*busy)(uint32_t characters);
    void (*reset)(bool intact, enum board_clock_source source);
    void (*host_baud)(uint32_t baud);
};

void script_play(const uint8_t *input, size_t size, const struct script_actions *actions);
