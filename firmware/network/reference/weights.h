/* Weights as they lie in flash: signed, of 8, 4 or 2 bits, several to a byte, the first in the low bits. */
#pragma once

#include <stdint.h>

static inline int32_t weight_at(const int8_t *weights, int index, int bits)
{
    int unused_above = 8 - bits - index * bits % 8;
    return (int8_t)((uint8_t)weights[index * bits / 8] << unused_above) >> (8 - bits);
}
