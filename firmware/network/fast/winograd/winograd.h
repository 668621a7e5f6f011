/* What conv3x3_winograd_1d.h and conv3x3_winograd_2d.h share. KERNELS.md explains the transform.
 *
 * Their sums are scaled: two outputs lie in one word as
 *
 *   low * 2^lost_bits + high * 2^17    modulo 2^32
 *
 * where each dimension of the transform loses one bit. `high` has 15 bits and `low` has 17 - lost_bits; the
 * compiler moves the bias of each output so that its sums fit, and puts the difference into `addend`. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "reference/conv2d.h"
#include "reference/requantise.h"

#define WINOGRAD_HIGH_BIT 17

/* What belongs to two outputs that share words: constants in flash, two of each for a pair. */
struct winograd_constants {
    const int32_t *addend;
    const int16_t *multiplier;
    const uint8_t *output; /* their places among the outputs */
    const uint8_t *zeros; /* a row of the padded input above or below the picture; 0 if none is needed */
};

/* The same, read for one pair. */
struct winograd_pair {
    int32_t low_multiplier, low_addend, high_multiplier, high_addend;
    uint8_t *low, *high; /* where their activations go */
};

static inline struct winograd_pair winograd_pair(struct conv2d layer, struct winograd_constants constants,
                                                 int pair, uint8_t *output)
{
    const int plane = layer.output_rows * layer.output_columns;
    return (struct winograd_pair){
        .low_multiplier = constants.multiplier[2 * pair],
        .low_addend = constants.addend[2 * pair],
        .high_multiplier = constants.multiplier[2 * pair + 1],
        .high_addend = constants.addend[2 * pair + 1],
        .low = output + constants.output[2 * pair] * plane,
        .high = output + constants.output[2 * pair + 1] * plane,
    };
}

static inline int winograd_smaller(int a, int b)
{
    return a < b ? a : b;
}

static inline int32_t winograd_larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* The low lane alone in its word, at the top. */
static inline int32_t winograd_low_only(uint32_t sum)
{
    return (int32_t)(sum << (32 - WINOGRAD_HIGH_BIT));
}

/* Requantises both lanes. Adding half of the high lane's unit undoes the borrow of a negative low lane. */
static inline void winograd_store_lanes(struct requantisation rule, const struct winograd_pair *pair,
                                        int lost_bits, int place, int32_t low_only, int32_t sum)
{
    const int32_t low = low_only >> (32 - WINOGRAD_HIGH_BIT + lost_bits);
    const int32_t high = (int32_t)((uint32_t)sum + (1u << (WINOGRAD_HIGH_BIT - 1))) >> WINOGRAD_HIGH_BIT;
    pair->low[place] = requantise_moved(rule, low, pair->low_multiplier, pair->low_addend);
    pair->high[place] = requantise_moved(rule, high, pair->high_multiplier, pair->high_addend);
}

/* The two activations of one position. */
static inline void winograd_store(struct requantisation rule, const struct winograd_pair *pair, int lost_bits,
                                  int place, uint32_t sum)
{
    winograd_store_lanes(rule, pair, lost_bits, place, winograd_low_only(sum), (int32_t)sum);
}

/* The two activations of the largest of four positions. Words are in the order of their high lanes, whatever
 * the low ones are. */
static inline void winograd_store_largest(struct requantisation rule, const struct winograd_pair *pair,
                                          int lost_bits, int place, const uint32_t sums[4])
{
    int32_t low_only = winograd_low_only(sums[0]), sum = (int32_t)sums[0];
#pragma GCC unroll 3
    for (int k = 1; k < 4; k++) {
        low_only = winograd_larger(low_only, winograd_low_only(sums[k]));
        sum = winograd_larger(sum, (int32_t)sums[k]);
    }
    winograd_store_lanes(rule, pair, lost_bits, place, low_only, sum);
}

/* The first `width` pixels of a row of the padded input: in place, or copied to `line` where padding or the end
 * of the picture makes some of them zero. */
static inline __attribute__((always_inline)) const uint8_t *winograd_row(struct conv2d layer,
                                                                         const uint8_t *zeros,
                                                                         const uint8_t *plane, int padded_row,
                                                                         int width, uint8_t *line)
{
    const int row = padded_row - layer.padding;
    const int right_end = width - layer.padding;
    const int copied = right_end < layer.columns ? right_end : layer.columns;
    const uint8_t *pixels = plane + row * layer.columns;

    if (zeros && (row < 0 || row >= layer.rows)) {
        return zeros;
    }
    if (layer.padding == 0 && width <= layer.columns) {
        return pixels;
    }
    __builtin_memset(line, 0, (size_t)layer.padding);
    __builtin_memcpy(line + layer.padding, pixels, (size_t)copied);
    __builtin_memset(line + layer.padding + copied, 0, (size_t)(right_end - copied));
    return line;
}

/* How many of the positions that are left lane_products() computes next: 3, or 2 if 1 would be left over. */
static inline int winograd_positions(int left)
{
    return left < 3 ? left : left == 4 ? 2 : 3;
}

static inline int winograd_words(int bytes)
{
    return (bytes + 3) / 4;
}
