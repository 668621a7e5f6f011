/* Bytes between the receive interrupt and the main loop, in order, with the places where some were lost. One
 * interrupt puts, the main loop gets, and neither keeps the other out: each variable has one writer. They are
 * volatile because the order of the accesses matters, and to one core nothing else does. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* One frame and a reserve: a host waits for its answer before it sends the next frame. */
#define RECEIVE_BUFFER_BYTES 1024

struct receive_faults {
    uint32_t lost; /* bytes that the USART overran or that found the buffer full */
    uint32_t framing;
    uint32_t noise;
};

struct receive_buffer {
    /* Written by the interrupt */
    volatile uint16_t head;               /* this and `tail` count up and wrap */
    volatile uint16_t fault_at;           /* the value of head at the first fault that is not told yet */
    volatile struct receive_faults noted; /* all there ever were; the counts wrap */
    volatile uint8_t bytes[RECEIVE_BUFFER_BYTES];

    /* Written by the main loop */
    volatile uint16_t tail;
    volatile struct receive_faults told; /* those of `noted` that receive_buffer_get() has returned */
};

enum receive_event { RECEIVE_NOTHING, RECEIVE_BYTE, RECEIVE_FAULT };

/* Stores a byte; counts it as lost when the buffer is full. Called by the interrupt. */
void receive_buffer_put(struct receive_buffer *buffer, uint8_t byte);

/* Notes damage at this point of the stream. Called by the interrupt. */
void receive_buffer_damage(struct receive_buffer *buffer, struct receive_faults faults);

/* Takes the next byte, or the faults where it is their turn. Called by the main loop. */
enum receive_event receive_buffer_get(struct receive_buffer *buffer, uint8_t *byte,
                                      struct receive_faults *faults);

/* Whether the next receive_buffer_get() would return RECEIVE_NOTHING. */
bool receive_buffer_is_empty(const struct receive_buffer *buffer);
