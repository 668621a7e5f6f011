#include "oracle.h"

#include "check.h"

#define HEADER_BYTES   6
#define CHECKSUM_BYTES 4
#define MAX_BODY       (HEADER_BYTES + NETWORK_PIXELS + CHECKSUM_BYTES)

static const struct oracle_event nothing = {.event = LINK_NOTHING};

static uint32_t little_endian(const uint8_t *bytes, int count)
{
    uint32_t value = 0;
    while (count-- > 0) {
        value = value << 8 | bytes[count];
    }
    return value;
}

uint32_t oracle_crc32(const void *data, size_t size)
{
    const uint8_t *byte = data;
    uint32_t crc = 0xffffffff;
    while (size-- > 0) {
        crc ^= *byte++;
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
        }
    }
    return ~crc;
}

static uint8_t *body_of(struct oracle *oracle)
{
    return oracle->storage + 2;
}

/* Unstuffs everything received. Returns the bytes of the body, and whether the last block is whole. */
static size_t unstuff(struct oracle *oracle, bool *whole)
{
    uint8_t *body = body_of(oracle);
    size_t count = 0;
    *whole = true;
    for (size_t code_at = 0, next_code_at; code_at < oracle->bytes; code_at = next_code_at) {
        next_code_at = code_at + oracle->stuffed[code_at];
        for (size_t at = code_at + 1; at < next_code_at && at < oracle->bytes; at++) {
            body[count++] = oracle->stuffed[at];
        }
        *whole = next_code_at <= oracle->bytes;
        if (oracle->stuffed[code_at] != 0xff && next_code_at < oracle->bytes) {
            body[count++] = 0;
        }
    }
    return count;
}

static struct oracle_event failure(enum link_error error, uint32_t first, uint32_t second)
{
    return (struct oracle_event){.event = LINK_FAILURE,
                                 .failure = {.error = error, .detail = {first, second}}};
}

static struct oracle_event judge(struct oracle *oracle)
{
    bool whole;
    const uint32_t bytes = (uint32_t)unstuff(oracle, &whole);
    const uint8_t *body = body_of(oracle);
    if (bytes < HEADER_BYTES + CHECKSUM_BYTES) return failure(LINK_ERROR_SHORT, bytes, 0);

    const uint16_t length = (uint16_t)little_endian(body + 4, 2);
    const uint32_t payload_bytes = bytes - HEADER_BYTES - CHECKSUM_BYTES;
    if (length != payload_bytes) return failure(LINK_ERROR_LENGTH, length, payload_bytes);
    if (!whole) return failure(LINK_ERROR_STUFFING, bytes, 0);

    const uint32_t received = little_endian(body + bytes - CHECKSUM_BYTES, 4);
    const uint32_t computed = oracle_crc32(body, bytes - CHECKSUM_BYTES);
    if (received != computed) return failure(LINK_ERROR_CRC, received, computed);

    const uint16_t sequence = (uint16_t)little_endian(body + 2, 2);
    if (body[0] != 2) {
        struct oracle_event event = failure(LINK_ERROR_VERSION, body[0], 0);
        event.failure.whole = true;
        event.failure.sequence = sequence;
        return event;
    }
    return (struct oracle_event){
        .event = LINK_FRAME,
        .frame =
            {
                .command = body[1],
                .sequence = sequence,
                .length = length,
                .payload = body + HEADER_BYTES,
                .checksum = received,
            },
    };
}

struct oracle_event oracle_byte(struct oracle *oracle, uint8_t byte)
{
    if (byte == 0) {
        const bool complete = oracle_is_receiving(oracle);
        const struct oracle_event event = complete ? judge(oracle) : nothing;
        oracle->bytes = 0;
        oracle->discarding = false;
        return event;
    }
    if (oracle->discarding) return nothing;

    CHECK(oracle->bytes < ORACLE_STUFFED_BYTES, "%zu bytes came without an overlong error", oracle->bytes);
    oracle->stuffed[oracle->bytes++] = byte;
    bool whole;
    /* Stuffing never shortens a body, so a short one is not overlong. */
    if (oracle->bytes <= MAX_BODY || unstuff(oracle, &whole) <= MAX_BODY) return nothing;
    oracle->discarding = true;
    return failure(LINK_ERROR_OVERLONG, MAX_BODY, 0);
}

struct oracle_event oracle_silence(struct oracle *oracle)
{
    bool whole;
    const bool receiving = oracle_is_receiving(oracle);
    const uint32_t bytes = (uint32_t)unstuff(oracle, &whole);
    oracle->bytes = 0;
    oracle->discarding = false;
    return receiving ? failure(LINK_ERROR_TIMEOUT, bytes, 0) : nothing;
}

bool oracle_is_receiving(const struct oracle *oracle)
{
    return oracle->bytes > 0 && !oracle->discarding;
}

struct oracle_event oracle_damage(struct oracle *oracle, enum link_error error, uint32_t first,
                                  uint32_t second)
{
    const bool reported = oracle->discarding;
    oracle->discarding = true;
    return reported ? nothing : failure(error, first, second);
}
