/* One direction of a serial wire, bit by bit. The sender and the receiver each have their own rate, so a mismatch gives
 * the bytes, framing errors and noise that sampling gives. Times are nanoseconds, rates are nanoseconds a bit. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_BITS     10 /* start, eight data bits from the lowest, stop */
#define WIRE_CAPACITY 8192 /* characters that the receiver has not passed yet */

struct wire_character {
    uint64_t start;
    uint64_t end; /* the line is high from here on, also if the sender stopped in the middle */
    uint32_t bit;
    uint16_t levels; /* of its ten bits */
};

struct wire {
    struct wire_character characters[WIRE_CAPACITY];
    size_t first, count;
    uint64_t sender_free; /* when the last character ends */
    uint64_t receiver_from; /* when the receiver begins to look for the next start bit */
    uint32_t receiver_bit;
};

struct wire_reception {
    uint64_t at;
    uint8_t byte;
    bool framing; /* the stop bit is low */
    bool noise; /* the three samples of a bit differ */
};

/* How long a bit lasts at a baud rate. */
uint32_t wire_bit(uint32_t baud);

/* Sends a character at `now`, or behind the one before it.
 *   damage: which of its ten bits are inverted on the way */
void wire_send(struct wire *wire, uint64_t now, uint32_t bit, uint8_t byte, uint16_t damage);

/* The sender stops at `now`, in the middle of a character too. */
void wire_stop_sender(struct wire *wire, uint64_t now);

/* The receiver begins at `now`, and forgets what it was receiving. */
void wire_start_receiver(struct wire *wire, uint64_t now, uint32_t bit);

/* The next character whose stop bit the receiver has sampled by `now`. The sender must not send before `now` any more. */
bool wire_receive(struct wire *wire, uint64_t now, struct wire_reception *reception);
