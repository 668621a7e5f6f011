/* Frames as a host sends them, for the fuzzers. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model.h"

#define FRAME_MAX_PAYLOAD (NETWORK_PIXELS + 300) /* more than the link allows */
#define FRAME_MAX_STUFFED (FRAME_MAX_PAYLOAD + FRAME_MAX_PAYLOAD / 254 + 20)

struct frame {
    uint8_t version;
    uint8_t command;
    uint16_t sequence;
    uint16_t length; /* of the payload, at most FRAME_MAX_PAYLOAD */
    uint8_t seed;    /* determines the payload */
};

/* Writes the frame's body with its checksum, stuffed, without delimiters. Returns its bytes. */
size_t frame_stuff(const struct frame *frame, uint8_t stuffed[FRAME_MAX_STUFFED]);

/* The checksum of that body, as @result repeats it. */
uint32_t frame_checksum(const struct frame *frame);
