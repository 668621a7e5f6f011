#include "link.h"

#include "crc32.h"

#define BODY_AT    2 /* in the storage */
#define DELIMITER  0x00
#define FULL_BLOCK 0xff /* the COBS code of a block of 254 bytes that no zero follows */

static uint16_t get_u16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

uint32_t link_get_u32(const uint8_t *bytes)
{
    return (uint32_t)get_u16(bytes) | (uint32_t)get_u16(bytes + 2) << 16;
}

static uint8_t *body_of(struct link_receiver *receiver)
{
    return receiver->storage + BODY_AT;
}

static enum link_event fail(struct link_receiver *receiver, enum link_error error, uint32_t first,
                            uint32_t second)
{
    receiver->failure = (struct link_failure){.error = error, .detail = {first, second}};
    return LINK_FAILURE;
}

/* As fail(), for a whole frame that asks for something this version cannot do. */
static enum link_event reject(struct link_receiver *receiver, enum link_error error, uint32_t detail)
{
    receiver->failure = (struct link_failure){
        .error = error, .detail = {detail}, .whole = true, .sequence = get_u16(body_of(receiver) + 2)};
    return LINK_FAILURE;
}

static enum link_event check_body(struct link_receiver *receiver)
{
    const uint8_t *body = body_of(receiver);
    const uint32_t bytes = receiver->body_bytes;
    if (bytes < LINK_HEADER_BYTES + LINK_CHECKSUM_BYTES) {
        return fail(receiver, LINK_ERROR_SHORT, bytes, 0);
    }

    const uint32_t payload_bytes = bytes - LINK_HEADER_BYTES - LINK_CHECKSUM_BYTES;
    const uint16_t length = get_u16(body + 4);
    if (length != payload_bytes) {
        return fail(receiver, LINK_ERROR_LENGTH, length, payload_bytes);
    }
    if (receiver->block_left > 0) {
        return fail(receiver, LINK_ERROR_STUFFING, bytes, 0);
    }

    const uint32_t received = link_get_u32(body + bytes - LINK_CHECKSUM_BYTES);
    const uint32_t computed = crc32_update(0, body, bytes - LINK_CHECKSUM_BYTES);
    if (received != computed) {
        return fail(receiver, LINK_ERROR_CRC, received, computed);
    }

    if (body[0] != LINK_VERSION) {
        return reject(receiver, LINK_ERROR_VERSION, body[0]);
    }
    receiver->frame = (struct link_frame){
        .command = body[1],
        .sequence = get_u16(body + 2),
        .length = length,
        .payload = body + LINK_HEADER_BYTES,
        .checksum = received,
    };
    return LINK_FRAME;
}

static enum link_event delimit(struct link_receiver *receiver)
{
    const bool receiving = receiver->state == LINK_RECEIVING;
    receiver->state = LINK_IDLE;
    return receiving ? check_body(receiver) : LINK_NOTHING;
}

/* Appends a decoded byte; false when the body is full. */
static bool append(struct link_receiver *receiver, uint8_t byte)
{
    if (receiver->body_bytes >= LINK_MAX_BODY) {
        return false;
    }
    body_of(receiver)[receiver->body_bytes++] = byte;
    return true;
}

/* Takes one non-zero byte of a COBS-encoded body; false when the body is full. */
static bool decode(struct link_receiver *receiver, uint8_t byte)
{
    if (receiver->block_left > 0) {
        receiver->block_left--;
        return append(receiver, byte);
    }
    /* A code byte. Only now is the zero of the block before it due: the last block of a body has none. */
    const bool room = !receiver->zero_follows || append(receiver, 0);
    receiver->block_left = (uint8_t)(byte - 1);
    receiver->zero_follows = byte != FULL_BLOCK;
    return room;
}

void link_start(struct link_receiver *receiver)
{
    receiver->state = LINK_IDLE;
}

enum link_event link_receive(struct link_receiver *receiver, uint8_t byte)
{
    if (byte == DELIMITER) {
        return delimit(receiver);
    }
    if (receiver->state == LINK_DISCARDING) {
        return LINK_NOTHING;
    }
    if (receiver->state == LINK_IDLE) {
        receiver->state = LINK_RECEIVING;
        receiver->body_bytes = 0;
        receiver->block_left = 0;
        receiver->zero_follows = false;
    }
    if (!decode(receiver, byte)) {
        receiver->state = LINK_DISCARDING;
        return fail(receiver, LINK_ERROR_OVERLONG, LINK_MAX_BODY, 0);
    }
    return LINK_NOTHING;
}

struct link_progress link_progress(const struct link_receiver *receiver)
{
    const uint8_t *body = receiver->storage + BODY_AT;
    if (receiver->state != LINK_RECEIVING || receiver->body_bytes <= LINK_HEADER_BYTES) {
        return (struct link_progress){0};
    }
    const uint16_t length = get_u16(body + 4);
    const uint16_t bytes = (uint16_t)(receiver->body_bytes - LINK_HEADER_BYTES);
    return (struct link_progress){
        .command = body[1],
        .length = length,
        .payload = body + LINK_HEADER_BYTES,
        .payload_bytes = bytes < length ? bytes : length,
    };
}

enum link_event link_silence(struct link_receiver *receiver)
{
    const bool receiving = receiver->state == LINK_RECEIVING;
    receiver->state = LINK_IDLE;
    return receiving ? fail(receiver, LINK_ERROR_TIMEOUT, receiver->body_bytes, 0) : LINK_NOTHING;
}

enum link_event link_damage(struct link_receiver *receiver, enum link_error error, uint32_t first,
                            uint32_t second)
{
    const bool reported = receiver->state == LINK_DISCARDING; /* already, with this frame's first error */
    receiver->state = LINK_DISCARDING;
    return reported ? LINK_NOTHING : fail(receiver, error, first, second);
}
