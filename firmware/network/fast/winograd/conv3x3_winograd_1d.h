/* 3x3 convolution by Winograd's transform along rows: stride 1, any padding, one group, an even number of outputs,
 * weights of at most 4 bits; followed by max pooling over 2x2, or by none. At least two columns.
 *
 * A row of the output is divided into tiles of three columns, or two where three do not fit. Three columns take
 * five products with transformed inputs instead of nine, two take four instead of six:
 *
 *   point      input, tile of three            input, tile of two    weights
 *   0          2 d0 - d1 - 2 d2 + d3           2 (d0 - d2)           g0
 *   1          2 d1 + d2 - d3                  d1 + d2               g0 + g1 + g2
 *   -1         2 d1 - 3 d2 + d3                d2 - d1               g0 - g1 + g2
 *   infinity   2 (2 d1 - d2 - 2 d3 + d4)       2 (d1 - d3)           g2
 *   2          d3 - d1                                               g0 + 2 g1 + 4 g2
 *
 * With m the products, summed over the channels and the three rows of the kernel, twice the output is
 *
 *   m(0) + m(1) + (m(2) - m(-1)) / 3           m(0) + m(1) + m(-1)
 *          m(1) + (2 m(2) + m(-1)) / 3                m(1) - m(-1) - m(infinity)
 *   m(inf) + m(1) + (4 m(2) - m(-1)) / 3
 *
 * A third is a multiplication modulo 2^32. */
#pragma once

#include <stdint.h>

#include "fast/winograd/lane_products.h"
#include "fast/winograd/winograd.h"

#define WINOGRAD_1D_LOST_BITS 1
#define WINOGRAD_1D_THIRD     0xaaaaaaabu

/* They lie in scratch memory, which is an array of words otherwise. */
typedef int16_t __attribute__((may_alias)) winograd_1d_value;

struct winograd_1d {
    int threes, twos; /* tiles of a row */
    int terms; /* of the largest tile */
    int rows; /* positions that are computed at once, an even number */
    int weight_channels; /* channels that fill whole words of flash */
};

static inline int winograd_1d_columns(struct conv2d layer)
{
    return layer.output_columns * layer.pool;
}

static inline struct winograd_1d winograd_1d_sizes(struct conv2d layer, int strip)
{
    const int columns = winograd_1d_columns(layer);
    const int twos = columns % 3 == 0 ? 0 : columns % 3 == 2 ? 1 : 2;
    const int threes = (columns - 2 * twos) / 3;
    return (struct winograd_1d){
        .threes = threes,
        .twos = twos,
        .terms = threes > 0 ? 5 : 4,
        .rows = (strip * layer.pool + 1) / 2 * 2,
        .weight_channels = (layer.channels + 3) / 4 * 4,
    };
}

/* values[tile][channel][term][row], for the rows of the padded input from first_row on. */
static inline __attribute__((always_inline)) void
winograd_1d_values(struct conv2d layer, struct winograd_1d sizes, const uint8_t *zeros, int first_row,
                   int rows, const uint8_t *input, uint8_t *line, winograd_1d_value *values)
{
    const int width = winograd_1d_columns(layer) + 2;
    const int step = sizes.rows + 2;
    const int tile_values = layer.channels * sizes.terms * step;

    for (int channel = 0; channel < layer.channels; channel++, values += sizes.terms * step) {
        for (int row = 0; row < rows + 2; row++) {
            const uint8_t *d = winograd_row(layer, zeros, input, first_row + row, width, line);
            winograd_1d_value *value = values + row;
#pragma GCC unroll 8
            for (int tile = 0; tile < sizes.threes; tile++, value += tile_values, d += 3) {
                const int d1_minus_d3 = d[1] - d[3];
                value[0] = (int16_t)(2 * (d[0] - d[2]) - d1_minus_d3);
                value[step] = (int16_t)(d[1] + d[2] + d1_minus_d3);
                value[2 * step] = (int16_t)(2 * (d[1] - d[2]) - d[2] + d[3]);
                value[3 * step] = (int16_t)(2 * (2 * d1_minus_d3 - d[2] + d[4]));
                value[4 * step] = (int16_t)-d1_minus_d3;
            }
#pragma GCC unroll 8
            for (int tile = 0; tile < sizes.twos; tile++, value += tile_values, d += 2) {
                value[0] = (int16_t)(2 * (d[0] - d[2]));
                value[step] = (int16_t)(d[1] + d[2]);
                value[2 * step] = (int16_t)(d[2] - d[1]);
                value[3 * step] = (int16_t)(2 * (d[1] - d[3]));
            }
        }
        input += layer.rows * layer.columns;
    }
}

/* weights[term][channel][kernel row][pair], of one pair. Three words of flash hold four rows of a kernel, as
 * lanes_unpack() takes them. */
#ifdef NETWORK_ASSEMBLY

/* An instruction of 32 bits takes the flash 1.5 cycles, so sums have registers below r8, which need only 16.
 * Stores stand together, as a lone one takes a cycle more. */
#define WEIGHT(register, word, shift)                                                                        \
    "and.w " register ", r8, " word shift "\n"                                                               \
                      "subs " register ", r3\n"
#define STORE(register, base, term, row)                                                                     \
    "str.w " register ", [" base ", #4 * (" term " * %c[step] + " row " * %c[pairs])]\n"
#define KERNEL_ROW(row, first_word, first_shift, second_word, second_shift, third_word, third_shift)         \
    WEIGHT("r4", first_word, first_shift)                                                                    \
    WEIGHT("r5", second_word, second_shift)                                                                  \
    WEIGHT("r6", third_word, third_shift)                                                                    \
    "adds r7, r4, r6\n"                                                                                      \
    ".if %c[terms] == 5\n"                                                                                   \
    "add.w r2, r4, r5, lsl #1\n"                                                                             \
    "add.w r2, r2, r6, lsl #2\n"                                                                             \
    ".endif\n"                                                                                               \
    "adds r1, r7, r5\n"                                                                                      \
    "subs r7, r5\n" STORE("r4", "r10", "0", row) STORE("r1", "r10", "1", row) STORE("r7", "r10", "2", row)   \
        STORE("r6", "lr", "0", row) ".if %c[terms] == 5\n" STORE("r2", "lr", "1", row) ".endif\n"

static inline
    __attribute__((always_inline)) void winograd_1d_weights(struct winograd_1d sizes, int pairs,
                                                            const uint32_t *packed, uint32_t *weights)
{
    const int rows = 3 * sizes.weight_channels, step = rows * pairs;
    register const uint32_t *next __asm__("r0") = packed;
    register uint32_t *first_terms __asm__("r10") = weights;
    register uint32_t *last_terms __asm__("lr") = weights + 3 * step;
    register uint32_t mask __asm__("r8") = 0x000f000fu, offset __asm__("r3") = 0x00080008u;
    const uint32_t *end = packed + rows * 3 / 4;

    /* clang-format off */
    __asm__ volatile(
        ".balign 8\n"
        "0:\n"
        "ldm.w r0!, {r9, r11, r12}\n"
        KERNEL_ROW("0", "r9", "", "r9", ", lsr #4", "r9", ", lsr #8")
        KERNEL_ROW("1", "r9", ", lsr #12", "r11", "", "r11", ", lsr #4")
        KERNEL_ROW("2", "r11", ", lsr #8", "r11", ", lsr #12", "r12", "")
        KERNEL_ROW("3", "r12", ", lsr #4", "r12", ", lsr #8", "r12", ", lsr #12")
        "ldr r1, %[end]\n"
        "add.w r10, r10, #16 * %c[pairs]\n"
        "add.w lr, lr, #16 * %c[pairs]\n"
        "cmp r0, r1\n"
        "bne.w 0b\n"
        : "+r"(next), "+r"(first_terms), "+r"(last_terms)
        : [end] "m"(end), "r"(mask), "r"(offset), [step] "i"(step), [pairs] "i"(pairs), [terms] "i"(sizes.terms)
        : "r1", "r2", "r4", "r5", "r6", "r7", "r9", "r11", "r12", "cc", "memory");
    /* clang-format on */
}

#undef KERNEL_ROW
#undef STORE
#undef WEIGHT

#else

static inline void winograd_1d_weights(struct winograd_1d sizes, int pairs, const uint32_t *packed,
                                       uint32_t *weights)
{
    const int rows = 3 * sizes.weight_channels, step = rows * pairs;
    for (int row = 0; row < rows; row++, weights += pairs) {
        uint32_t kernel[3];
        for (int k = 0; k < 3; k++) {
            const int place = 3 * row + k;
            kernel[k] = (packed[place / 4] >> (4 * (place % 4)) & 0x000f000fu) - 0x00080008u;
        }
        weights[0] = kernel[0];
        weights[step] = kernel[0] + kernel[2] + kernel[1];
        weights[2 * step] = kernel[0] + kernel[2] - kernel[1];
        weights[3 * step] = kernel[2];
        if (sizes.terms == 5) {
            weights[4 * step] = kernel[0] + 2 * kernel[1] + 4 * kernel[2];
        }
    }
}

#endif

/* products[row][pair][term] of one tile */
static inline __attribute__((always_inline)) void
winograd_1d_products(struct conv2d layer, struct winograd_1d sizes, int pairs, int terms, int rows,
                     const winograd_1d_value *values, const uint32_t *weights, uint32_t *products)
{
    const struct lane_products shape = {
        .channels = layer.channels,
        .taps = 3,
        .pairs = pairs,
        .value_bytes = 2,
        .channel_step = sizes.terms * (sizes.rows + 2),
        .term_step = sizes.rows + 2,
        .weight_channels = sizes.weight_channels,
        .position_sums = 5 * pairs,
        .pair_sums = 5,
    };
    int row = 0;
    for (; winograd_positions(rows - row) == 3; row += 3) {
        lane_products(shape, 3, terms, values + row, weights, products + row * 5 * pairs);
    }
    for (; row < rows; row += 2) { /* a single row gets one more, which is not used */
        lane_products(shape, 2, terms, values + row, weights, products + row * 5 * pairs);
    }
}

/* The sums of a tile from its products. */
static inline void winograd_1d_sums_of_three(const uint32_t products[5], uint32_t bias, uint32_t sums[3])
{
    const uint32_t middle = products[1] + bias;
    const uint32_t third_minus = WINOGRAD_1D_THIRD * products[2], third_two = WINOGRAD_1D_THIRD * products[4];
    sums[0] = products[0] + middle - third_minus + third_two;
    sums[1] = middle + third_minus + 2 * third_two;
    sums[2] = products[3] + middle - third_minus + 4 * third_two;
}

static inline void winograd_1d_sums_of_two(const uint32_t products[4], uint32_t bias, uint32_t sums[2])
{
    const uint32_t middle = products[1] + bias;
    sums[0] = products[0] + middle + products[2];
    sums[1] = middle - products[2] - products[3];
}

static inline __attribute__((always_inline)) void winograd_1d_store(struct conv2d layer,
                                                                    struct requantisation rule, int first_row,
                                                                    int rows, const uint32_t *sums,
                                                                    const struct winograd_pair *pair)
{
    const int columns = winograd_1d_columns(layer);
    int place = first_row * layer.output_columns;
    for (int row = 0; row < rows; row++, sums += layer.pool * columns) {
        for (int column = 0; column < layer.output_columns; column++, place++) {
            if (layer.pool == 2) {
                const uint32_t *corner = sums + 2 * column;
                const uint32_t window[4] = {corner[0], corner[1], corner[columns], corner[columns + 1]};
                winograd_store_largest(rule, pair, WINOGRAD_1D_LOST_BITS, place, window);
            } else {
                winograd_store(rule, pair, WINOGRAD_1D_LOST_BITS, place, sums[column]);
            }
        }
    }
}

/* `pairs` pairs of outputs, 1 or 2, from first_pair on, of `rows` rows of the output. */
static inline __attribute__((always_inline)) void
winograd_1d_pairs(struct conv2d layer, struct requantisation rule, struct winograd_1d sizes, int first_pair,
                  int pairs, int first_row, int rows, const winograd_1d_value *values, const uint32_t *packed,
                  const uint32_t *bias, struct winograd_constants constants, uint32_t *scratch,
                  uint8_t *output)
{
    const int columns = winograd_1d_columns(layer);
    const int kernel_rows = 3 * sizes.weight_channels;
    const int positions = rows * layer.pool;
    uint32_t *products = scratch;
    uint32_t *sums = products + 5 * 2 * (sizes.rows + 1);
    uint32_t *weights = sums + 2 * sizes.rows * columns;

    for (int pair = 0; pair < pairs; pair++) {
        winograd_1d_weights(sizes, pairs, packed + (first_pair + pair) * kernel_rows * 3 / 4, weights + pair);
    }
    for (int tile = 0, column = 0; tile < sizes.threes + sizes.twos; tile++) {
        const int width = tile < sizes.threes ? 3 : 2;
        winograd_1d_products(layer, sizes, pairs, width + 2, positions, values, weights, products);
        const uint32_t *next = products;
        for (int row = 0; row < positions; row++) {
            for (int pair = 0; pair < pairs; pair++, next += 5) {
                uint32_t *row_sums = sums + (pair * sizes.rows + row) * columns + column;
                if (width == 3) {
                    winograd_1d_sums_of_three(next, bias[first_pair + pair], row_sums);
                } else {
                    winograd_1d_sums_of_two(next, bias[first_pair + pair], row_sums);
                }
            }
        }
        column += width;
        values += layer.channels * sizes.terms * (sizes.rows + 2);
    }
    for (int pair = 0; pair < pairs; pair++) {
        const struct winograd_pair place = winograd_pair(layer, constants, first_pair + pair, output);
        winograd_1d_store(layer, rule, first_row, rows, sums + pair * sizes.rows * columns, &place);
    }
}

static inline __attribute__((always_inline)) void
conv3x3_winograd_1d(struct conv2d layer, struct requantisation rule, int strip, int first_row, int end_row,
                    const uint8_t *restrict input, const uint32_t *restrict packed,
                    const uint32_t *restrict bias, struct winograd_constants constants,
                    uint32_t *restrict scratch, uint8_t *restrict output)
{
    const struct winograd_1d sizes = winograd_1d_sizes(layer, strip);
    const int columns = winograd_1d_columns(layer);
    const int pairs = layer.outputs / 2;
    uint8_t *line = (uint8_t *)scratch;
    winograd_1d_value *values = (winograd_1d_value *)(scratch + winograd_words(columns + 2));
    uint32_t *rest = scratch + winograd_words(columns + 2)
                     + (sizes.threes + sizes.twos) * layer.channels * sizes.terms * (sizes.rows + 2) / 2;

    for (; first_row < end_row; first_row += strip) {
        const int rows = end_row - first_row < strip ? end_row - first_row : strip;
        winograd_1d_values(layer, sizes, constants.zeros, first_row * layer.pool, rows * layer.pool, input,
                           line, values);
        for (int pair = 0; pair + 1 < pairs; pair += 2) {
            winograd_1d_pairs(layer, rule, sizes, pair, 2, first_row, rows, values, packed, bias, constants,
                              rest, output);
        }
        if (pairs % 2 != 0) {
            winograd_1d_pairs(layer, rule, sizes, pairs - 1, 1, first_row, rows, values, packed, bias,
                              constants, rest, output);
        }
    }
}
