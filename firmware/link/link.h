/* The receiving side of the link: takes bytes, returns whole frames or named errors. LINK.md specifies it, with every
 * constant here. It uses no hardware and no clock, so it runs unchanged on the board, in the tests and under the
 * fuzzer. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

#define LINK_VERSION 2

#define LINK_HEADER_BYTES   6
#define LINK_CHECKSUM_BYTES 4
#define LINK_MAX_PAYLOAD    NETWORK_PIXELS /* one image; every other payload is shorter */
#define LINK_MAX_BODY       (LINK_HEADER_BYTES + LINK_MAX_PAYLOAD + LINK_CHECKSUM_BYTES)
#define LINK_MAX_FRAME      (LINK_MAX_BODY + LINK_MAX_BODY / 254 + 3) /* stuffed, with both delimiters */

#define LINK_COMMAND_INFO     1
#define LINK_COMMAND_CLASSIFY 2
#define LINK_COMMAND_BAUD     3

#define LINK_TIMEOUT_MS 50 /* of silence inside a frame */

#define LINK_BAUD        115200 /* after every reset; also the slowest */
#define LINK_RAISED_BAUD 150000 /* the slowest of all other rates */
#define LINK_MAX_BAUD    2000000
#define LINK_FOLLOW_MS   500 /* for a whole frame, after a change or an error at a raised rate */

/* X(identifier, name on the wire, name of the first detail, name of the second) */
#define LINK_ERRORS(X)                                                                                       \
    X(TIMEOUT, "timeout", "bytes", 0)                                                                        \
    X(OVERLONG, "overlong", "limit", 0)                                                                      \
    X(SHORT, "short", "bytes", 0)                                                                            \
    X(LENGTH, "length", "length", "bytes")                                                                   \
    X(STUFFING, "stuffing", "bytes", 0)                                                                      \
    X(CRC, "crc", "received", "computed")                                                                    \
    X(VERSION, "version", "version", 0)                                                                      \
    X(COMMAND, "command", "command", 0)                                                                      \
    X(SIZE, "size", "bytes", "expected")                                                                     \
    X(BAUD, "baud", "baud", "clock")                                                                         \
    X(OVERRUN, "overrun", "bytes", 0)                                                                        \
    X(LINE, "line", "framing", "noise")                                                                      \
    X(SELFTEST, "selftest", 0, 0)

enum link_error {
#define LINK_ERROR_ENUM(identifier, name, first, second) LINK_ERROR_##identifier,
    LINK_ERRORS(LINK_ERROR_ENUM)
#undef LINK_ERROR_ENUM
};

struct link_frame {
    uint8_t command;
    uint16_t sequence;
    uint16_t length; /* of the payload, in bytes */
    const uint8_t *payload;
    uint32_t checksum;
};

/* A frame that is still arriving and not yet verified. */
struct link_progress {
    uint8_t command;
    uint16_t length; /* of the payload, by the header */
    const uint8_t *payload;
    uint16_t payload_bytes; /* that have arrived, at most `length` */
};

struct link_failure {
    enum link_error error;
    uint32_t detail[2];
    bool whole; /* the frame's checksum matches, so `sequence` is valid */
    uint16_t sequence;
};

enum link_event { LINK_NOTHING, LINK_FRAME, LINK_FAILURE };

struct link_receiver {
    /* Valid after LINK_FRAME and LINK_FAILURE respectively, until the next call. */
    struct link_frame frame;
    struct link_failure failure;

    enum { LINK_IDLE, LINK_RECEIVING, LINK_DISCARDING } state;
    uint8_t block_left; /* bytes until the next COBS code */
    bool zero_follows; /* the current block ends with a zero */
    uint16_t body_bytes; /* decoded so far */

    /* Two bytes of padding put the payload, six bytes in, on a word boundary for the kernels. */
    _Alignas(4) uint8_t storage[2 + LINK_MAX_BODY];
};

/* The little-endian number in four bytes of a payload. */
uint32_t link_get_u32(const uint8_t *bytes);

/* Makes a receiver ready for its first byte. */
void link_start(struct link_receiver *receiver);

/* Takes one byte from the wire. */
enum link_event link_receive(struct link_receiver *receiver, uint8_t byte);

/* The frame in progress. Its payload stays in place until the frame ends. */
struct link_progress link_progress(const struct link_receiver *receiver);

/* Reports that the wire has been silent for LINK_TIMEOUT_MS. */
enum link_event link_silence(struct link_receiver *receiver);

/* Reports that bytes were lost or damaged at this point of the stream. The rest of the frame is discarded. */
enum link_event link_damage(struct link_receiver *receiver, enum link_error error, uint32_t first,
                            uint32_t second);
