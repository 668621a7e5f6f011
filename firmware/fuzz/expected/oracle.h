/* A second, plain implementation of LINK.md's receiver: it decodes a whole frame at once. It shares the names of link.h
 * but none of the code under test. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link.h"

#define ORACLE_STUFFED_BYTES                                                                                 \
    (NETWORK_PIXELS + NETWORK_PIXELS / 254 + 100) /* an overlong body is found before */

struct oracle {
    uint8_t stuffed[ORACLE_STUFFED_BYTES]; /* since the last delimiter */
    size_t bytes;
    bool discarding;

    /* Aligned as the receiver's, for the network. */
    _Alignas(4) uint8_t storage[2 + ORACLE_STUFFED_BYTES];
};

struct oracle_event {
    enum link_event event;
    struct link_frame frame; /* its payload lies in the oracle, until the next call */
    struct link_failure failure;
};

/* Whether a frame is arriving. */
bool oracle_is_receiving(const struct oracle *oracle);

struct oracle_event oracle_byte(struct oracle *oracle, uint8_t byte);
struct oracle_event oracle_silence(struct oracle *oracle);
struct oracle_event oracle_damage(struct oracle *oracle, enum link_error error, uint32_t first,
                                  uint32_t second);

/* CRC-32, bit by bit as in its definition. */
uint32_t oracle_crc32(const void *data, size_t size);
