/* Received bytes between the hardware and the main loop, in order, with the places where some were lost or
 * damaged.
 *
 * Lock-free ring with one producer: the receive interrupt, which stores each byte, or a DMA controller, which
 * stores them in a circle by itself. Each variable has one writer. They are volatile to keep the order of the
 * accesses; one core needs nothing more. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "link.h"

/* The host sends one request at a time (LINK.md), so no more than one frame waits for the main loop. The longest times in
 * which the main loop takes no byte are two:
 *   - 3.2 ms of computation while the image arrives: 645 characters at the fastest rate;
 *   - the end of an answer, during which the host may already send its next request. Both directions have the same
 *     rate, so no more characters arrive than the board sends. */
#define RECEIVE_WHILE_COMPUTING 645
/* The lines behind @result: the longest class name has 16 characters, the longest logit 12. */
#define RECEIVE_WHILE_SENDING (66 + 38 * NETWORK_CLASSES)

#define RECEIVE_LONGER(a, b)  ((a) > (b) ? (a) : (b))
#define RECEIVE_SHORTER(a, b) ((a) < (b) ? (a) : (b))
#define RECEIVE_NEEDED                                                                                       \
    RECEIVE_SHORTER(LINK_MAX_FRAME, RECEIVE_LONGER(RECEIVE_WHILE_COMPUTING, RECEIVE_WHILE_SENDING))

/* Places that stay unused: DMA may store a byte between the check for overwritten bytes and the read. */
#define RECEIVE_BUFFER_MARGIN 4

#define RECEIVE_FITS(size) (RECEIVE_NEEDED + RECEIVE_BUFFER_MARGIN <= (size))

#ifndef RECEIVE_BUFFER_BYTES /* a test sets it */
/* Counters wrap at a power of two. */
#define RECEIVE_BUFFER_BYTES                                                                                 \
    (RECEIVE_FITS(64)     ? 64                                                                               \
     : RECEIVE_FITS(128)  ? 128                                                                              \
     : RECEIVE_FITS(256)  ? 256                                                                              \
     : RECEIVE_FITS(512)  ? 512                                                                              \
     : RECEIVE_FITS(1024) ? 1024                                                                             \
     : RECEIVE_FITS(2048) ? 2048                                                                             \
                          : 4096)
#endif
#define RECEIVE_BUFFER_CAPACITY (RECEIVE_BUFFER_BYTES - RECEIVE_BUFFER_MARGIN)

struct receive_faults {
    uint32_t lost; /* bytes that the USART overran, that found the buffer full, or that DMA overwrote */
    uint32_t framing;
    uint32_t noise;
};

struct receive_buffer {
    /* Written by the producer */
    volatile uint32_t head;               /* bytes stored since the start; this and `tail` wrap */
    volatile uint32_t fault_at; /* the first unreported fault: the number of the byte behind it, */
    volatile uint32_t fault_end; /* or from here to the end the damaged bytes, which are skipped */
    volatile struct receive_faults noted; /* all since the start; the counts wrap */
    volatile uint8_t bytes[RECEIVE_BUFFER_BYTES];

    /* Written by the main loop */
    volatile uint32_t tail;
    volatile struct receive_faults reported; /* those of `noted` that receive_buffer_get() has returned */
};

enum receive_event { RECEIVE_NOTHING, RECEIVE_BYTE, RECEIVE_FAULT };

/* Stores a byte; counts it as lost if the buffer is full. Called by the interrupt. */
void receive_buffer_put(struct receive_buffer *buffer, uint8_t byte);

/* Notes faults behind the last byte stored. Called by the interrupt. */
void receive_buffer_damage(struct receive_buffer *buffer, struct receive_faults faults);

/* Notes faults of the stored bytes from `at` to before `end`, counted from the start: they will be skipped. Called by
 * the interrupt. */
void receive_buffer_damage_at(struct receive_buffer *buffer, uint32_t at, uint32_t end,
                              struct receive_faults faults);

/* Takes over how many bytes DMA has stored since the start. Called by the main loop before the two below. */
void receive_buffer_advance(struct receive_buffer *buffer, uint32_t head);

/* Takes the next byte, or the faults in front of it. Called by the main loop. */
enum receive_event receive_buffer_get(struct receive_buffer *buffer, uint8_t *byte,
                                      struct receive_faults *faults);

/* Whether the next receive_buffer_get() would return RECEIVE_NOTHING. */
bool receive_buffer_is_empty(const struct receive_buffer *buffer);
