/* Bytes between the receive interrupt and the main loop, in order, with the places where some were lost. */
#pragma once

#include <stdint.h>

/* One frame and a reserve: a host waits for its answer before it sends the next frame. */
#define RECEIVE_BUFFER_BYTES 1024

struct receive_faults {
    uint16_t lost; /* bytes that the USART overran or that found the buffer full */
    uint16_t framing;
    uint16_t noise;
};

struct receive_buffer {
    uint16_t head; /* written by the interrupt; both count up and wrap */
    uint16_t tail;
    uint16_t fault_at; /* the value of head at the first of `faults` */
    struct receive_faults faults;
    uint8_t bytes[RECEIVE_BUFFER_BYTES];
};

enum receive_event { RECEIVE_NOTHING, RECEIVE_BYTE, RECEIVE_FAULT };

/* Stores a byte; counts it as lost when the buffer is full. Called by the interrupt. */
void receive_buffer_put(struct receive_buffer *buffer, uint8_t byte);

/* Notes damage at this point of the stream. Called by the interrupt. */
void receive_buffer_damage(struct receive_buffer *buffer, struct receive_faults faults);

/* Takes the next byte, or the faults where it is their turn. The caller keeps the interrupt out. */
enum receive_event receive_buffer_get(struct receive_buffer *buffer, uint8_t *byte,
                                      struct receive_faults *faults);
