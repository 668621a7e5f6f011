/* What a fuzzer's input does to a board: bytes for the wire, and between them, behind an escape, what no byte
 * on a wire can say. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "receive_buffer.h"

/* An escape is this byte, one of the letters below, and as many bytes as that letter takes; of any other byte
 * behind it, both are for the wire. tooling/fuzz/seeds.py writes them. */
#define SCRIPT_ESCAPE 0x1b

#define SCRIPT_SILENCE 's' /* milliseconds */
#define SCRIPT_LOST    'l' /* how many bytes */
#define SCRIPT_LINE    'n' /* framing errors << 4 | noise errors */
#define SCRIPT_BUSY    'b' /* the main loop looks away for so many times 8 characters */
#define SCRIPT_RESET   'r' /* 1: with a damaged flash */
#define SCRIPT_FRAME   'f' /* struct frame, byte by byte: a body whose checksum is right, without borders */

struct script_actions {
    void (*byte)(uint8_t byte);
    void (*silence)(uint32_t milliseconds);
    void (*damage)(struct receive_faults faults);
    void (*busy)(uint32_t characters);
    void (*reset)(bool intact);
};

void script_play(const uint8_t *input, size_t size, const struct script_actions *actions);
