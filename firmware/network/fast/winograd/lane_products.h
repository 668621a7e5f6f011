/* The inner loop of the Winograd kernels: sums of products over all channels.
 *
 *   sums[position * position_sums + pair * pair_sums + term] = sum over channel and tap of
 *       values[term * term_step + channel * channel_step + tap + position] * weights[term][channel][tap][pair]
 *
 * A weight is a pair of lanes, so one MLA does two multiplications. The sums of up to three positions and two
 * pairs stay in registers: each value that is loaded meets two weights, each weight three values, and six MLA
 * need five loads. */
#pragma once

#include <stdint.h>

#include "fast/assembly.h"

struct lane_products {
    int channels, taps;          /* of one sum; 1 or 3 taps */
    int pairs;                   /* that are computed together, 1 or 2 */
    int value_bytes;             /* 1: unsigned, 2: signed */
    int channel_step, term_step; /* between values */
    int weight_channels;         /* the channels for which each term has room in `weights` */
    int position_sums, pair_sums; /* sums between those of two positions, and of two pairs */
};

#ifdef NETWORK_ASSEMBLY

/* Registers: r0 the values, r1 the weights, r2 and r3 a weight of each pair, r4 to r6 values, and six sums:
 * r8, r10 and r12 of the first pair, r9, r11 and lr of the second. */
#define PRODUCT(sum, value, weight)                                                                          \
    ".if .Lis_first\n"                                                                                       \
    "mul " sum ", " value ", " weight "\n"                                                                   \
    ".else\n"                                                                                                \
    "mla " sum ", " value ", " weight ", " sum "\n"                                                          \
    ".endif\n"
#define PRODUCTS(value, first_sum, second_sum)                                                               \
    PRODUCT(first_sum, value, "r2")                                                                          \
    ".if %c[pairs] == 2\n" PRODUCT(second_sum, value, "r3") ".endif\n"
#define TAP(first, second, third)                                                                            \
    PRODUCTS(first, "r8", "r9")                                                                              \
    ".if %c[positions] >= 2\n" PRODUCTS(second, "r10", "r11") ".endif\n"                                     \
                                                              ".if %c[positions] == 3\n" PRODUCTS(           \
                                                                  third, "r12", "lr") ".endif\n"

/* Behind another load, one with a 32-bit encoding is slower unless it is word-aligned. So the loop for bytes loads
 * with 16-bit encodings only, which reach 31 bytes far and never wait for the flash, and that for halfwords has
 * 32-bit encodings only. */
#define LOAD_WEIGHTS                                                                                         \
    ".if %c[pairs] == 1\n"                                                                                   \
    "ldr.w r2, [r1], #4\n"                                                                                   \
    ".elseif %c[value_bytes] == 1\n"                                                                         \
    "ldm r1!, {r2, r3}\n"                                                                                    \
    ".else\n"                                                                                                \
    "ldm.w r1!, {r2, r3}\n"                                                                                  \
    ".endif\n"
#define LOAD_VALUE(value, offset)                                                                            \
    ".if %c[value_bytes] == 1\n"                                                                             \
    "ldrb " value ", [r0, #.Lplace + " offset "]\n"                                                          \
    ".else\n"                                                                                                \
    "ldrsh.w " value ", [r0, #.Lplace + 2 * " offset "]\n"                                                   \
    ".endif\n"

#define STORE_SUM(register, position, pair)                                                                  \
    "str.w " register ", [r7, #4 * (" position " * %c[position_sums] + " pair " * %c[pair_sums])]\n"
#define STORE_SUMS(first_sum, second_sum, position)                                                          \
    STORE_SUM(first_sum, position, "0")                                                                      \
    ".if %c[pairs] == 2\n" STORE_SUM(second_sum, position, "1") ".endif\n"

/* The channels of one round of the loop: a divisor of all, and no more than a load of halfwords reaches. A single
 * round needs no loop. */
static inline int lane_products_together(struct lane_products shape)
{
    int together = shape.taps == 3 ? 8 : 16;
    if (shape.value_bytes == 2 && together > 4080 / (2 * shape.channel_step)) {
        together = 4080 / (2 * shape.channel_step);
    }
    while (shape.channels % together != 0) {
        together--;
    }
    return together;
}

static inline __attribute__((always_inline)) void lane_products(struct lane_products shape, int positions,
                                                                int terms, const void *values,
                                                                const uint32_t *weights, uint32_t *sums)
{
    const int together = lane_products_together(shape);
    const int term_words = shape.channels * shape.taps * shape.pairs;
    const int unused_words = (shape.weight_channels - shape.channels) * shape.taps * shape.pairs;
    const uint32_t *sums_end = sums + terms, *term_end = weights + term_words;
    register const void *value __asm__("r0") = values;
    register const uint32_t *weight __asm__("r1") = weights;
    register uint32_t *sum __asm__("r7") = sums;

    /* clang-format off */
    __asm__ volatile(
        ".balign 8\n"
        "0:\n"
        ".set .Lis_first, %c[is_single_round]\n"
        ".if !%c[is_single_round]\n"
        ".irp sum, r8, r9, r10, r11, r12, lr\n" "mov.w \\sum, #0\n" ".endr\n"
        ".endif\n"
        "1:\n"
        ".set .Lplace, 0\n"
        ".set .Lpassed, 0\n"
        ".rept %c[together]\n"

        /* The three taps of a channel see the values from 0, 1 and 2 on. */
        ".if %c[value_bytes] == 1 && .Lplace + %c[positions] + %c[taps] - 2 > 31\n"
        "adds r0, #.Lplace\n"
        ".set .Lpassed, .Lpassed + .Lplace\n"
        ".set .Lplace, 0\n"
        ".endif\n"
        LOAD_WEIGHTS
        LOAD_VALUE("r4", "0")
        ".if %c[positions] >= 2\n" LOAD_VALUE("r5", "1") ".endif\n"
        ".if %c[positions] == 3\n" LOAD_VALUE("r6", "2") ".endif\n"
        TAP("r4", "r5", "r6")
        ".set .Lis_first, 0\n"
        ".if %c[taps] == 3 && %c[positions] == 3\n"
        LOAD_WEIGHTS LOAD_VALUE("r4", "3") TAP("r5", "r6", "r4")
        LOAD_WEIGHTS LOAD_VALUE("r5", "4") TAP("r6", "r4", "r5")
        ".endif\n"
        ".if %c[taps] == 3 && %c[positions] == 2\n"
        LOAD_WEIGHTS LOAD_VALUE("r4", "2") TAP("r5", "r4", "")
        LOAD_WEIGHTS LOAD_VALUE("r5", "3") TAP("r4", "r5", "")
        ".endif\n"
        ".set .Lplace, .Lplace + %c[channel_bytes]\n"
        ".endr\n"

        ".if !%c[is_single_round]\n"
        "add.w r0, r0, #.Lplace\n"
        "ldr.w r2, %[term_end]\n"
        "cmp r1, r2\n"
        "bne.w 1b\n"
        "add.w r2, r2, #4 * (%c[term_words] + %c[unused_words])\n"
        "str.w r2, %[term_end]\n"
        ".set .Lpassed, %c[channels] * %c[channel_bytes]\n"
        ".endif\n"

        /* next term */
        ".if .Lpassed < %c[term_bytes]\n"
        "add.w r0, r0, #%c[term_bytes] - .Lpassed\n"
        ".endif\n"
        ".if .Lpassed > %c[term_bytes]\n"
        "sub.w r0, r0, #(.Lpassed - %c[term_bytes]) & 0xff\n"
        "sub.w r0, r0, #(.Lpassed - %c[term_bytes]) & 0xff00\n"
        ".endif\n"
        ".if %c[unused_words]\n"
        "add.w r1, r1, #4 * %c[unused_words]\n"
        ".endif\n"
        "ldr.w r2, %[sums_end]\n"
        STORE_SUMS("r8", "r9", "0")
        ".if %c[positions] >= 2\n" STORE_SUMS("r10", "r11", "1") ".endif\n"
        ".if %c[positions] == 3\n" STORE_SUMS("r12", "lr", "2") ".endif\n"
        "adds r7, #4\n"
        "cmp r7, r2\n"
        "bne.w 0b\n"
        : "+r"(value), "+r"(weight), "+r"(sum), [term_end] "+m"(term_end)
        : [sums_end] "m"(sums_end), [is_single_round] "i"(together == shape.channels), [together] "i"(together),
          [channels] "i"(shape.channels), [taps] "i"(shape.taps), [positions] "i"(positions),
          [pairs] "i"(shape.pairs), [value_bytes] "i"(shape.value_bytes),
          [position_sums] "i"(shape.position_sums), [pair_sums] "i"(shape.pair_sums),
          [channel_bytes] "i"(shape.channel_step * shape.value_bytes),
          [term_bytes] "i"(shape.term_step * shape.value_bytes),
          [term_words] "i"(term_words), [unused_words] "i"(unused_words)
        : "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
    /* clang-format on */
}

#undef STORE_SUMS
#undef STORE_SUM
#undef LOAD_VALUE
#undef LOAD_WEIGHTS
#undef TAP
#undef PRODUCTS
#undef PRODUCT

#else

static inline __attribute__((always_inline)) void lane_products(struct lane_products shape, int positions,
                                                                int terms, const void *values,
                                                                const uint32_t *weights, uint32_t *sums)
{
    const uint8_t *bytes = values;
    const int16_t *halfwords = values;

    for (int term = 0; term < terms; term++, sums++) {
        for (int k = 0; k < positions * shape.pairs; k++) {
            const int position = k / shape.pairs, pair = k % shape.pairs;
            uint32_t sum = 0;
            for (int channel = 0; channel < shape.channels; channel++) {
                for (int tap = 0; tap < shape.taps; tap++) {
                    const int at = term * shape.term_step + channel * shape.channel_step + tap + position;
                    const int value = shape.value_bytes == 1 ? bytes[at] : halfwords[at];
                    const int weight =
                        ((term * shape.weight_channels + channel) * shape.taps + tap) * shape.pairs;
                    sum += (uint32_t)value * weights[weight + pair];
                }
            }
            sums[position * shape.position_sums + pair * shape.pair_sums] = sum;
        }
    }
}

#endif
