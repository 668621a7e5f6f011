/* From accumulators to activations. */
#pragma once

#include <stdint.h>

/* The part of a layer's requantisation that all its outputs share; the multiplier is each output's own. */
struct requantisation {
    int shift;   /* 1 to 30 */
    int maximum; /* the largest activation, at most 255 */
};

/* clamp((accumulator * multiplier + half) >> shift, 0, maximum): ReLU and rounding in one.
 *
 * One 32-bit multiplication: the model file is refused where the product could leave int32. The shift of a
 * negative number is arithmetic, as GCC and Clang define it. Shift and clamp are one instruction, USAT, where
 * the maximum is one less than a power of two. */
static inline uint8_t requantise_moved(struct requantisation rule, int32_t value, int32_t multiplier,
                                       int32_t addend)
{
    int32_t scaled = (value * multiplier + addend) >> rule.shift;
    scaled = scaled < 0 ? 0 : scaled;
    return (uint8_t)(scaled > rule.maximum ? rule.maximum : scaled);
}

static inline uint8_t requantise(struct requantisation rule, int32_t accumulator, int32_t multiplier)
{
    return requantise_moved(rule, accumulator, multiplier, 1 << (rule.shift - 1));
}
