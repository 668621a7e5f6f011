/* Received bytes between the hardware and the main loop, in order, with the places where some were lost or
 * damaged.
 *
 * Lock-free ring with one producer: the receive interrupt, which stores each byte, or a DMA controller, which
 * stores them in a circle by itself. Each variable has one writer. They are volatile to keep the order of the
 * accesses; one core needs nothing more. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "receive_size.h"

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
