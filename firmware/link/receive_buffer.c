#include "receive_buffer.h"

#include <stdbool.h>

_Static_assert((RECEIVE_BUFFER_BYTES & (RECEIVE_BUFFER_BYTES - 1)) == 0, "counters wrap at a power of two");

static bool damaged(const struct receive_faults *faults)
{
    return faults->lost > 0 || faults->framing > 0 || faults->noise > 0;
}

/* Adds without wrapping: 65535 means "very many". */
static uint16_t add_saturated(uint16_t a, uint16_t b)
{
    return a > UINT16_MAX - b ? UINT16_MAX : (uint16_t)(a + b);
}

void receive_buffer_put(struct receive_buffer *buffer, uint8_t byte)
{
    if ((uint16_t)(buffer->head - buffer->tail) == RECEIVE_BUFFER_BYTES) {
        receive_buffer_damage(buffer, (struct receive_faults){.lost = 1});
        return;
    }
    buffer->bytes[buffer->head % RECEIVE_BUFFER_BYTES] = byte;
    buffer->head++;
}

void receive_buffer_damage(struct receive_buffer *buffer, struct receive_faults faults)
{
    if (!damaged(&buffer->faults)) {
        buffer->fault_at = buffer->head;
    }
    buffer->faults.lost = add_saturated(buffer->faults.lost, faults.lost);
    buffer->faults.framing = add_saturated(buffer->faults.framing, faults.framing);
    buffer->faults.noise = add_saturated(buffer->faults.noise, faults.noise);
}

enum receive_event receive_buffer_get(struct receive_buffer *buffer, uint8_t *byte,
                                      struct receive_faults *faults)
{
    if (damaged(&buffer->faults) && buffer->tail == buffer->fault_at) {
        *faults = buffer->faults;
        buffer->faults = (struct receive_faults){0};
        return RECEIVE_FAULT;
    }
    if (buffer->head == buffer->tail) {
        return RECEIVE_NOTHING;
    }
    *byte = buffer->bytes[buffer->tail % RECEIVE_BUFFER_BYTES];
    buffer->tail++;
    return RECEIVE_BYTE;
}
