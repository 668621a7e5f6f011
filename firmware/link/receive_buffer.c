#include "receive_buffer.h"

_Static_assert((RECEIVE_BUFFER_BYTES & (RECEIVE_BUFFER_BYTES - 1)) == 0, "counters wrap at a power of two");

static struct receive_faults faults_to_tell(const struct receive_buffer *buffer)
{
    return (struct receive_faults){
        .lost = buffer->noted.lost - buffer->told.lost,
        .framing = buffer->noted.framing - buffer->told.framing,
        .noise = buffer->noted.noise - buffer->told.noise,
    };
}

static bool any(struct receive_faults faults)
{
    return faults.lost > 0 || faults.framing > 0 || faults.noise > 0;
}

void receive_buffer_put(struct receive_buffer *buffer, uint8_t byte)
{
    const uint16_t head = buffer->head;
    if ((uint16_t)(head - buffer->tail) == RECEIVE_BUFFER_BYTES) {
        receive_buffer_damage(buffer, (struct receive_faults){.lost = 1});
        return;
    }
    buffer->bytes[head % RECEIVE_BUFFER_BYTES] = byte;
    buffer->head = (uint16_t)(head + 1);
}

void receive_buffer_damage(struct receive_buffer *buffer, struct receive_faults faults)
{
    if (!any(faults_to_tell(buffer))) {
        buffer->fault_at = buffer->head;
    }
    buffer->noted.lost += faults.lost;
    buffer->noted.framing += faults.framing;
    buffer->noted.noise += faults.noise;
}

/* The interrupt may come between any two accesses.
 *
 * `head` is read before the faults are looked at. A fault that is noted after that look lies at this head or
 * behind it, so that no byte before this head belongs behind the fault. The other way round, a fault and a byte
 * could come between the two: the byte would be taken, and `tail` pass the fault without meeting it.
 *
 * While faults are waiting to be told, the interrupt leaves `fault_at` alone and only adds to `noted`. What it
 * adds while they are told remains a difference to `told`, which the next call tells at the same place. */
enum receive_event receive_buffer_get(struct receive_buffer *buffer, uint8_t *byte,
                                      struct receive_faults *faults)
{
    const uint16_t tail = buffer->tail;
    const uint16_t head = buffer->head;
    const struct receive_faults untold = faults_to_tell(buffer);
    if (any(untold) && buffer->fault_at == tail) {
        buffer->told.lost += untold.lost;
        buffer->told.framing += untold.framing;
        buffer->told.noise += untold.noise;
        *faults = untold;
        return RECEIVE_FAULT;
    }
    if (head == tail) {
        return RECEIVE_NOTHING;
    }
    *byte = buffer->bytes[tail % RECEIVE_BUFFER_BYTES];
    buffer->tail = (uint16_t)(tail + 1);
    return RECEIVE_BYTE;
}

bool receive_buffer_is_empty(const struct receive_buffer *buffer)
{
    return buffer->head == buffer->tail && !any(faults_to_tell(buffer));
}
