/* 3x3 convolution by Winograd's transform in both dimensions, F(2x2, 3x3): stride 1, any padding, one group, an even
 * number of outputs, inputs of at most 6 bits and weights of at most 4; followed by max pooling over 2x2, or by none.
 *
 * The output is divided into windows of 2x2 positions. Each takes 16 products with transformed inputs instead of 36.
 * In one dimension, with d the four inputs of a window and g the three weights:
 *
 *   term   input      weights             twice the output
 *   0      d0 - d2    2 g0
 *   1      d1 + d2    g0 + g1 + g2        m0 + m1 + m2
 *   2      d2 - d1    g0 - g1 + g2        m1 - m2 - m3
 *   3      d1 - d3    2 g2
 *
 * In two dimensions it is done to the rows of d, g and m, and then to their columns: four times the output.
 *
 * A transformed input lies between -126 and 126, or 0 and 252 in term (1, 1). All but that term are stored with
 * 128 added, as unsigned bytes load faster; the bias takes it back. */
#pragma once

#include <stdint.h>

#include "fast/winograd/lane_products.h"
#include "fast/winograd/winograd.h"

#define WINOGRAD_2D_LOST_BITS 2
#define WINOGRAD_2D_TERMS     16 /* term (i, j), of rows and columns, is number 4 i + j */

#define WINOGRAD_2D_IN_EACH_BYTE(value) ((value) * 0x01010101u)

/* Windows of a row. */
static inline int winograd_2d_windows(struct conv2d layer)
{
    return (layer.output_columns * layer.pool + 1) / 2;
}

/* Rows of windows of some rows of the output. */
static inline int winograd_2d_window_rows(struct conv2d layer, int rows)
{
    return (rows * layer.pool + 1) / 2;
}

static inline int winograd_2d_weight_channels(struct conv2d layer)
{
    return (layer.channels + 3) / 4 * 4;
}

static inline uint32_t winograd_2d_load(const uint8_t *bytes, int count)
{
    uint32_t word = 0;
    uint16_t halfword;
    if (count == 4) {
        __builtin_memcpy(&word, bytes, sizeof word);
    } else if (count == 2) {
        __builtin_memcpy(&halfword, bytes, sizeof halfword);
        word = halfword;
    }
    return word;
}

static inline void winograd_2d_store(uint8_t *bytes, uint32_t word, int count)
{
    const uint16_t lower = (uint16_t)word;
    if (count == 4) {
        __builtin_memcpy(bytes, &word, sizeof word);
        return;
    }
    if (count >= 2) {
        __builtin_memcpy(bytes, &lower, sizeof lower);
        bytes += 2;
        word >>= 16;
    }
    if (count % 2 != 0) {
        *bytes = (uint8_t)word;
    }
}

/* Bytes 0 and 2 of two words. */
static inline uint32_t winograd_2d_even_bytes(uint32_t first, uint32_t second, uint32_t mask)
{
    first &= mask;
    second &= mask;
    return (uint16_t)(first | first >> 8) | (second | second >> 8) << 16;
}

/* The transform of a row of up to four windows, four bytes at a time: transformed[j * step] holds term j of each
 * window, those that can be negative with 64 added. It reads 2 * windows + 2 pixels. */
static inline __attribute__((always_inline)) void
winograd_2d_row(const uint8_t *pixels, int windows, uint32_t mask, int step, uint32_t *transformed)
{
    const uint32_t offset = WINOGRAD_2D_IN_EACH_BYTE(64u);
    const uint32_t first = winograd_2d_load(pixels, 4);
    const uint32_t second = winograd_2d_load(pixels + 4, windows == 1 ? 0 : windows == 2 ? 2 : 4);
    const uint32_t last = winograd_2d_load(pixels + 8, windows == 4 ? 2 : 0);
    uint32_t d0 = first, d1 = first >> 8, d2 = first >> 16, d3 = first >> 24;
    if (windows > 1) {
        d0 = winograd_2d_even_bytes(first, second, mask);
        d1 = winograd_2d_even_bytes(first >> 8, second >> 8, mask);
        d2 = d0 >> 8 | last << 24;
        d3 = d1 >> 8 | last >> 8 << 24;
    }
    transformed[0] = d0 + offset - d2;
    transformed[step] = d1 + d2;
    transformed[2 * step] = d2 + offset - d1;
    transformed[3 * step] = d1 + offset - d3;
}

/* The transform of the columns of up to four windows, from four words of transformed rows. */
static inline __attribute__((always_inline)) void winograd_2d_column(const uint32_t *rows, int step,
                                                                     uint32_t offset, int windows,
                                                                     int term_bytes, uint8_t *value)
{
    const uint32_t d0 = rows[0], d1 = rows[step], d2 = rows[2 * step], d3 = rows[3 * step];
    winograd_2d_store(value, d0 + offset - d2, windows);
    winograd_2d_store(value + 4 * term_bytes, d1 + d2, windows);
    winograd_2d_store(value + 8 * term_bytes, d2 + offset - d1, windows);
    winograd_2d_store(value + 12 * term_bytes, d1 + offset - d3, windows);
}

/* values[row of windows][term][channel][window], from row `first_row` of the padded input on.
 * scratch: room for a line of pixels and for the transformed rows of one channel */
static inline __attribute__((always_inline)) void winograd_2d_values(struct conv2d layer,
                                                                     const uint8_t *zeros, int first_row,
                                                                     int window_rows, const uint8_t *input,
                                                                     uint32_t *scratch, uint8_t *values)
{
    const int windows = winograd_2d_windows(layer);
    const int width = 2 * windows + 2;
    const int words = winograd_words(windows);
    const int term_bytes = layer.channels * windows;
    uint32_t *transformed = scratch + winograd_words(width);
    uint32_t mask = 0x00ff00ffu, offset = WINOGRAD_2D_IN_EACH_BYTE(128u);
    IN_REGISTER(mask);
    IN_REGISTER(offset);

    for (int channel = 0; channel < layer.channels; channel++, values += windows) {
        for (int row = 0; row < 2 * window_rows + 2; row++) {
            const uint8_t *pixels =
                winograd_row(layer, zeros, input, first_row + row, width, (uint8_t *)scratch);
#pragma GCC unroll 4
            for (int word = 0; word < words; word++) {
                winograd_2d_row(pixels + 8 * word, winograd_smaller(windows - 4 * word, 4), mask, words,
                                transformed + row * 4 * words + word);
            }
        }
        for (int row = 0; row < window_rows; row++) {
            const uint32_t *rows = transformed + row * 8 * words;
            uint8_t *value = values + row * WINOGRAD_2D_TERMS * term_bytes;
            for (int j = 0; j < 4; j++, rows += words, value += term_bytes) {
#pragma GCC unroll 4
                for (int word = 0; word < words; word++) {
                    winograd_2d_column(rows + word, 4 * words, offset,
                                       winograd_smaller(windows - 4 * word, 4), term_bytes, value + 4 * word);
                }
            }
        }
        input += layer.rows * layer.columns;
    }
}

/* Weight k of two outputs from a word of flash: 4 bits each, signed. */
static inline uint32_t winograd_2d_pair(uint32_t word, int k)
{
    const int32_t low = (int32_t)(word << (28 - 4 * k)) >> 28;
    const int32_t high = (int32_t)(word << (12 - 4 * k)) >> 28;
    return (uint32_t)low + ((uint32_t)high << (WINOGRAD_HIGH_BIT - WINOGRAD_2D_LOST_BITS));
}

/* Four terms from a transformed column of the kernel's rows. */
static inline void winograd_2d_weight_terms(uint32_t left, uint32_t middle, uint32_t right, int step,
                                            uint32_t *terms)
{
    const uint32_t ends = left + right;
    terms[0] = 2 * left;
    terms[step] = ends + middle;
    terms[2 * step] = ends - middle;
    terms[3 * step] = 2 * right;
    KEEP_ORDER();
}

/* weights[term][channel][pair], of one pair. Nine words of flash hold four channels. */
static inline __attribute__((always_inline)) void
winograd_2d_weights(struct conv2d layer, int pairs, const uint32_t *packed, uint32_t *weights)
{
    const int step = winograd_2d_weight_channels(layer) * pairs;
    const uint32_t *end = weights + step;
    IN_REGISTER(end);
    for (; weights < end; packed += 9) {
#pragma GCC unroll 4
        for (int channel = 0; channel < 4; channel++, weights += pairs) {
            uint32_t kernel[9];
#pragma GCC unroll 9
            for (int k = 0; k < 9; k++) {
                kernel[k] = winograd_2d_pair(packed[(9 * channel + k) / 4], (9 * channel + k) % 4);
                IN_REGISTER(kernel[k]);
            }
            winograd_2d_weight_terms(2 * kernel[0], 2 * kernel[1], 2 * kernel[2], step, weights);
            winograd_2d_weight_terms(2 * kernel[6], 2 * kernel[7], 2 * kernel[8], step, weights + 12 * step);
#pragma GCC unroll 3
            for (int k = 0; k < 3; k++) {
                kernel[k] += kernel[6 + k];
            }
            winograd_2d_weight_terms(kernel[0] + kernel[3], kernel[1] + kernel[4], kernel[2] + kernel[5],
                                     step, weights + 4 * step);
            winograd_2d_weight_terms(kernel[0] - kernel[3], kernel[1] - kernel[4], kernel[2] - kernel[5],
                                     step, weights + 8 * step);
        }
    }
}

/* products[pair][window][term] of a row of windows */
static inline __attribute__((always_inline)) void winograd_2d_products(struct conv2d layer, int pairs,
                                                                       const uint8_t *values,
                                                                       const uint32_t *weights,
                                                                       uint32_t *products)
{
    const int windows = winograd_2d_windows(layer);
    const struct lane_products shape = {
        .channels = layer.channels,
        .taps = 1,
        .pairs = pairs,
        .value_bytes = 1,
        .channel_step = windows,
        .term_step = layer.channels * windows,
        .weight_channels = winograd_2d_weight_channels(layer),
        .position_sums = WINOGRAD_2D_TERMS,
        .pair_sums = windows * WINOGRAD_2D_TERMS,
    };
    int window = 0;
    for (; winograd_positions(windows - window) == 3; window += 3) {
        lane_products(shape, 3, WINOGRAD_2D_TERMS, values + window, weights,
                      products + window * WINOGRAD_2D_TERMS);
    }
    for (; winograd_positions(windows - window) == 2; window += 2) {
        lane_products(shape, 2, WINOGRAD_2D_TERMS, values + window, weights,
                      products + window * WINOGRAD_2D_TERMS);
    }
    if (windows == 1) {
        lane_products(shape, 1, WINOGRAD_2D_TERMS, values, weights, products);
    }
}

/* The four sums of a window from its products, row by row. */
#ifdef NETWORK_ASSEMBLY

/* LDM loads four products at once; GCC would load them in pairs, which takes half as long again. */
#define LEFT_AND_RIGHT(left, right)                                                                          \
    "ldm %[products]!, {r2, r3, r4, r5}\n"                                                                   \
    "adds r2, r3\n"                                                                                          \
    "adds " left ", r2, r4\n"                                                                                \
    "subs r3, r4\n"                                                                                          \
    "subs " right ", r3, r5\n"

static inline __attribute__((always_inline)) void winograd_2d_sums(const uint32_t products[WINOGRAD_2D_TERMS],
                                                                   const uint32_t bias[4], uint32_t sums[4])
{
    register uint32_t top_left __asm__("r0"), top_right __asm__("r1");
    register uint32_t bottom_left __asm__("r6"), bottom_right __asm__("r7");
    const uint32_t *next = products;

    /* clang-format off */
    __asm__ volatile(
        LEFT_AND_RIGHT("r0", "r1")
        LEFT_AND_RIGHT("r6", "r7")
        "adds r0, r6\n" "adds r1, r7\n"
        LEFT_AND_RIGHT("r2", "r3")
        "adds r0, r2\n" "adds r1, r3\n" "subs r6, r2\n" "subs r7, r3\n"
        LEFT_AND_RIGHT("r2", "r3")
        "subs r6, r2\n" "subs r7, r3\n"
        "ldm %[bias], {r2, r3, r4, r5}\n"
        "adds r0, r2\n" "adds r1, r3\n" "adds r6, r4\n" "adds r7, r5\n"
        : "=&r"(top_left), "=&r"(top_right), "=&r"(bottom_left), "=&r"(bottom_right), [products] "+&r"(next)
        : [bias] "r"(bias)
        : "r2", "r3", "r4", "r5", "cc", "memory");
    /* clang-format on */

    sums[0] = top_left;
    sums[1] = top_right;
    sums[2] = bottom_left;
    sums[3] = bottom_right;
}

#undef LEFT_AND_RIGHT

#else

static inline void winograd_2d_sums(const uint32_t products[WINOGRAD_2D_TERMS], const uint32_t bias[4],
                                    uint32_t sums[4])
{
    uint32_t left[4], right[4];
    for (int i = 0; i < 4; i++, products += 4) {
        left[i] = products[0] + products[1] + products[2];
        right[i] = products[1] - products[2] - products[3];
    }
    sums[0] = left[0] + left[1] + left[2] + bias[0];
    sums[1] = right[0] + right[1] + right[2] + bias[1];
    sums[2] = left[1] - left[2] - left[3] + bias[2];
    sums[3] = right[1] - right[2] - right[3] + bias[3];
}

#endif

/* The activations of a row of windows and a pair of outputs, into row `row` of the output and, without pooling, the
 * next one if it is below end_row. */
static inline __attribute__((always_inline)) void
winograd_2d_activations(struct conv2d layer, struct requantisation rule, int row, int end_row,
                        const uint32_t *products, const uint32_t *bias, const struct winograd_pair *pair)
{
    const uint32_t pair_bias[4] = {bias[0], bias[1], bias[2], bias[3]};
    int place = row * layer.output_columns;
    if (layer.pool == 2) {
        for (int column = 0; column < layer.output_columns; column++, products += WINOGRAD_2D_TERMS) {
            uint32_t sums[4];
            winograd_2d_sums(products, pair_bias, sums);
            winograd_store_largest(rule, pair, WINOGRAD_2D_LOST_BITS, place++, sums);
        }
        return;
    }
    for (int column = 0; column < layer.output_columns; column += 2, products += WINOGRAD_2D_TERMS) {
        uint32_t sums[4];
        winograd_2d_sums(products, pair_bias, sums);
        for (int k = 0; k < 4; k++) {
            if (row + k / 2 < end_row && column + k % 2 < layer.output_columns) {
                const int at = place + k / 2 * layer.output_columns + column + k % 2;
                winograd_store(rule, pair, WINOGRAD_2D_LOST_BITS, at, sums[k]);
            }
        }
    }
}

/* `pairs` pairs of outputs, 1 or 2, from first_pair on. */
static inline __attribute__((always_inline)) void
winograd_2d_pairs(struct conv2d layer, struct requantisation rule, int first_pair, int pairs, int first_row,
                  int end_row, const uint8_t *values, const uint32_t *packed, const uint32_t *bias,
                  struct winograd_constants constants, uint32_t *weights, uint32_t *products, uint8_t *output)
{
    const int windows = winograd_2d_windows(layer);
    const int channels = winograd_2d_weight_channels(layer);
    for (int pair = 0; pair < pairs; pair++) {
        winograd_2d_weights(layer, pairs, packed + (first_pair + pair) * channels * 9 / 4, weights + pair);
    }
    for (int row = first_row; row < end_row; row += layer.pool == 2 ? 1 : 2) {
        winograd_2d_products(layer, pairs, values, weights, products);
        for (int pair = 0; pair < pairs; pair++) {
            const struct winograd_pair place = winograd_pair(layer, constants, first_pair + pair, output);
            winograd_2d_activations(layer, rule, row, end_row, products + pair * windows * WINOGRAD_2D_TERMS,
                                    bias + 4 * (first_pair + pair), &place);
        }
        values += WINOGRAD_2D_TERMS * layer.channels * windows;
    }
}

/* The same bits as conv2d(), for the same rows.
 *   strip:   rows of the output for which there is scratch memory; more are computed strip by strip
 *   packed:  pairs of outputs as winograd_2d_weights() takes them
 *   bias:    four words for each pair, of the four positions of a window
 *   scratch: compiler/kernels/conv3x3_winograd_2d.py says how much; nothing there is kept */
static inline __attribute__((always_inline)) void
conv3x3_winograd_2d(struct conv2d layer, struct requantisation rule, int strip, int first_row, int end_row,
                    const uint8_t *restrict input, const uint32_t *restrict packed,
                    const uint32_t *restrict bias, struct winograd_constants constants,
                    uint32_t *restrict scratch, uint8_t *restrict output)
{
    const int windows = winograd_2d_windows(layer);
    const int pairs = layer.outputs / 2;
    uint32_t *weights = scratch;
    uint32_t *products = weights + WINOGRAD_2D_TERMS * 2 * winograd_2d_weight_channels(layer);
    uint32_t *rows = products + WINOGRAD_2D_TERMS * 2 * windows;
    uint8_t *values =
        (uint8_t *)(rows + winograd_words(2 * windows + 2)
                    + (2 * winograd_2d_window_rows(layer, strip) + 2) * 4 * winograd_words(windows));

    for (; first_row < end_row; first_row += strip) {
        const int strip_end = winograd_smaller(first_row + strip, end_row);
        winograd_2d_values(layer, constants.zeros, first_row * layer.pool,
                           winograd_2d_window_rows(layer, strip_end - first_row), input, rows, values);
        for (int pair = 0; pair + 1 < pairs; pair += 2) {
            winograd_2d_pairs(layer, rule, pair, 2, first_row, strip_end, values, packed, bias, constants,
                              weights, products, output);
        }
        if (pairs % 2 != 0) {
            winograd_2d_pairs(layer, rule, pairs - 1, 1, first_row, strip_end, values, packed, bias,
                              constants, weights, products, output);
        }
    }
}
