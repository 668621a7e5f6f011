#include "receive_buffer.h"

_Static_assert((RECEIVE_BUFFER_BYTES & (RECEIVE_BUFFER_BYTES - 1)) == 0, "counters wrap at a power of two");

static struct receive_faults unreported(const struct receive_buffer *buffer)
{
    return (struct receive_faults){
        .lost = buffer->noted.lost - buffer->reported.lost,
        .framing = buffer->noted.framing - buffer->reported.framing,
        .noise = buffer->noted.noise - buffer->reported.noise,
    };
}

static bool any(struct receive_faults faults)
{
    return faults.lost > 0 || faults.framing > 0 || faults.noise > 0;
}

void receive_buffer_put(struct receive_buffer *buffer, uint8_t byte)
{
    const uint32_t head = buffer->head;
    if (head - buffer->tail >= RECEIVE_BUFFER_CAPACITY) {
        receive_buffer_damage(buffer, (struct receive_faults){.lost = 1});
        return;
    }
    buffer->bytes[head % RECEIVE_BUFFER_BYTES] = byte;
    buffer->head = head + 1;
}

void receive_buffer_damage(struct receive_buffer *buffer, struct receive_faults faults)
{
    receive_buffer_damage_at(buffer, buffer->head, buffer->head, faults);
}

void receive_buffer_damage_at(struct receive_buffer *buffer, uint32_t at, uint32_t end,
                              struct receive_faults faults)
{
    if (!any(unreported(buffer))) {
        buffer->fault_at = at;
        buffer->fault_end = end;
    } else if (buffer->fault_end == at) {
        buffer->fault_end = end;
    }
    buffer->noted.lost += faults.lost;
    buffer->noted.framing += faults.framing;
    buffer->noted.noise += faults.noise;
}

void receive_buffer_advance(struct receive_buffer *buffer, uint32_t head)
{
    buffer->head = head;
}

/* The interrupt may come between any two accesses.
 *
 * `head` is read before the faults are. A fault noted after that lies at this head or behind it, so no byte before
 * this head belongs behind the fault. In the other order a fault and a byte could come between the two reads: the
 * byte would be taken, and `tail` would pass the fault.
 *
 * While faults are unreported, the interrupt leaves `fault_at` alone, and only adds to `noted` and damaged bytes to
 * those behind `fault_at`. What it adds during the report stays a difference to `reported`, and the next call reports
 * it at the same place. */
enum receive_event receive_buffer_get(struct receive_buffer *buffer, uint8_t *byte,
                                      struct receive_faults *faults)
{
    const uint32_t tail = buffer->tail;
    const uint32_t waiting = buffer->head - tail;
    const struct receive_faults found = unreported(buffer);
    if (waiting > RECEIVE_BUFFER_CAPACITY) { /* DMA has overwritten some of them */
        buffer->tail = tail + waiting;
        *faults = (struct receive_faults){.lost = waiting};
        return RECEIVE_FAULT;
    }
    if (any(found) && (int32_t)(tail - buffer->fault_at) >= 0) {
        const uint32_t end = buffer->fault_end;
        buffer->reported.lost += found.lost; /* from here on the interrupt may set another `fault_end` */
        buffer->reported.framing += found.framing;
        buffer->reported.noise += found.noise;
        if ((int32_t)(end - tail) > 0) {
            buffer->tail = end;
        }
        *faults = found;
        return RECEIVE_FAULT;
    }
    if (waiting == 0) {
        return RECEIVE_NOTHING;
    }
    *byte = buffer->bytes[tail % RECEIVE_BUFFER_BYTES];
    buffer->tail = tail + 1;
    return RECEIVE_BYTE;
}

bool receive_buffer_is_empty(const struct receive_buffer *buffer)
{
    return buffer->head == buffer->tail && !any(unreported(buffer));
}
