#include "frame.h"

#include "oracle.h"

#define HEADER_BYTES   6
#define CHECKSUM_BYTES 4
#define MAX_BODY       (HEADER_BYTES + FRAME_MAX_PAYLOAD + CHECKSUM_BYTES)

/* Runs of zeros and of ink, as in a digit: stuffing depends on them. */
static uint8_t pixel(const struct frame *frame, uint32_t index)
{
    const uint32_t x = (index / (1u + frame->seed % 7u) + frame->seed) * 2654435761u;
    return (x >> 28) < frame->seed % 16u ? 0 : (uint8_t)(x >> 16);
}

/* Writes the body up to its checksum. Returns its bytes. */
static size_t make_body(const struct frame *frame, uint8_t body[MAX_BODY])
{
    body[0] = frame->version;
    body[1] = frame->command;
    body[2] = (uint8_t)frame->sequence;
    body[3] = (uint8_t)(frame->sequence >> 8);
    body[4] = (uint8_t)frame->length;
    body[5] = (uint8_t)(frame->length >> 8);
    for (uint32_t k = 0; k < frame->length; k++) {
        body[HEADER_BYTES + k] = pixel(frame, k);
    }
    return HEADER_BYTES + (size_t)frame->length;
}

static size_t stuff(const uint8_t *body, size_t size, uint8_t *stuffed)
{
    size_t code_at = 0;
    size_t count = 1;
    for (size_t k = 0; k < size; k++) {
        if (body[k] != 0) {
            stuffed[count++] = body[k];
        }
        const size_t code = count - code_at;
        if (body[k] == 0 || (code == 0xff && k + 1 < size)) {
            stuffed[code_at] = (uint8_t)code;
            code_at = count++;
        }
    }
    stuffed[code_at] = (uint8_t)(count - code_at);
    return count;
}

size_t frame_stuff(const struct frame *frame, uint8_t stuffed[FRAME_MAX_STUFFED])
{
    uint8_t body[MAX_BODY];
    size_t size = make_body(frame, body);
    const uint32_t checksum = oracle_crc32(body, size);
    for (int shift = 0; shift < 32; shift += 8) {
        body[size++] = (uint8_t)(checksum >> shift);
    }
    return stuff(body, size, stuffed);
}

uint32_t frame_checksum(const struct frame *frame)
{
    uint8_t body[MAX_BODY];
    return oracle_crc32(body, make_body(frame, body));
}
