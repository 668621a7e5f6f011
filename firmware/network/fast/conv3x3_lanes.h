/* The fast convolution: 3x3, stride 1, any padding, one group, an even number of outputs; followed by max
 * pooling over 2x2, or by none and at least three columns wide.
 *
 * Two outputs share a word (lanes.h), so one MLA does two of conv2d's multiplications. The sums of a few
 * neighbouring positions stay in registers over all channels: 2x2 positions, which are one window of the
 * pooling, or three or five in a row. That takes all fourteen registers; GCC spills there, and takes a fifth
 * longer. So the innermost loops are in assembly where there is Thumb-2; the C beside them says the same. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fast/assembly.h"
#include "fast/lanes.h"
#include "reference/conv2d.h"
#include "reference/requantise.h"

/* Each of the three exists twice:
 *   conv3x3_window(): the sums at 2x2 positions, over all channels
 *   conv3x3_row_of_three(), conv3x3_row_of_five(): the sums at three or five positions of a row */

#ifdef NETWORK_ASSEMBLY

/* Registers: r0 the pixels, r6 the weights, r1 to r5 pixels loaded, r8 to r10 a row of the kernel, and: */
#define SUM_1 "r7"
#define SUM_2 "r11"
#define SUM_3 "r12"
#define SUM_4 "lr"
#define SUM_5 "r5"

/* Two multiplications in two cycles. */
#define MAC(sum, pixel, weight) "mla " sum ", " pixel ", " weight ", " sum "\n"

/* The next row of the kernel. */
#define LOAD_WEIGHTS(first, second, third) "ldm.w r6!, {" first ", " second ", " third "}\n"

/* A pixel of a row, whose last one is at column `last`. A 32-bit encoding is slower behind another load unless it
 * is word-aligned, so a row has 16-bit encodings only where all its offsets allow that. */
#define LOAD_PIXEL(register, row, column, last)                                                              \
    ".if " row " * %c[columns] + " last " > 31\n"                                                            \
    "ldrb.w " register ", [r0, #" row " * %c[columns] + " column "]\n"                                       \
                       ".else\n"                                                                             \
                       "ldrb " register ", [r0, #" row " * %c[columns] + " column "]\n"                      \
                                        ".endif\n"

/* The loop over the channels. Four or two at a time save branches, 4 % of the cycles. */
#define EACH_CHANNEL                                                                                         \
    ".balign 8\n"                                                                                            \
    "0:\n"                                                                                                   \
    ".rept %c[together]\n"
#define NEXT_CHANNEL(compare_weight_with_end)                                                                \
    ".if %c[plane] < 4096\n"                                                                                 \
    "add.w r0, r0, #%c[plane]\n"                                                                             \
    ".else\n"                                                                                                \
    "add.w r0, r0, #%c[plane] & 0xff\n"                                                                      \
    "add.w r0, r0, #%c[plane] & 0xff00\n"                                                                    \
    ".endif\n"                                                                                               \
    ".endr\n" compare_weight_with_end "bne.w 0b\n"
#define CHANNELS_TOGETHER(channels) ((channels) % 4 == 0 ? 4 : (channels) % 2 == 0 ? 2 : 1)
#define SIZES(layer)                                                                                         \
    [columns] "i"(layer.columns), [plane] "i"(layer.rows * layer.columns), [channels] "i"(layer.channels),   \
        [together] "i"(CHANNELS_TOGETHER(layer.channels))

/* Each pixel is loaded once, and meets two rows of the kernel: that for the upper two positions, and that for
 * the lower two, which is the one before. Loads stand together, as a lone one takes a cycle more. */
/* clang-format off */
#define WINDOW_PIXEL(register, row, column) LOAD_PIXEL(register, row, column, "3")
#define WINDOW(load_end)                                                                                     \
    /* first row of pixels */                                                                                \
    LOAD_WEIGHTS("r8", "r9", "r10")                                                                          \
    WINDOW_PIXEL("r1", "0", "0") WINDOW_PIXEL("r2", "0", "1")                                                \
    WINDOW_PIXEL("r3", "0", "2") WINDOW_PIXEL("r4", "0", "3")                                                \
    MAC(SUM_1, "r1", "r8") MAC(SUM_1, "r2", "r9") MAC(SUM_1, "r3", "r10")                                    \
    MAC(SUM_2, "r2", "r8") MAC(SUM_2, "r3", "r9") MAC(SUM_2, "r4", "r10")                                    \
    /* second row */                                                                                         \
    LOAD_WEIGHTS("r3", "r4", "r5")                                                                           \
    WINDOW_PIXEL("r1", "1", "0") WINDOW_PIXEL("r2", "1", "1")                                                \
    MAC(SUM_1, "r1", "r3") MAC(SUM_1, "r2", "r4") MAC(SUM_2, "r2", "r3")                                     \
    MAC(SUM_3, "r1", "r8") MAC(SUM_3, "r2", "r9") MAC(SUM_4, "r2", "r8")                                     \
    WINDOW_PIXEL("r1", "1", "2") WINDOW_PIXEL("r2", "1", "3")                                                \
    MAC(SUM_1, "r1", "r5") MAC(SUM_2, "r1", "r4") MAC(SUM_2, "r2", "r5")                                     \
    MAC(SUM_3, "r1", "r10") MAC(SUM_4, "r1", "r9") MAC(SUM_4, "r2", "r10")                                   \
    /* third row */                                                                                          \
    LOAD_WEIGHTS("r8", "r9", "r10")                                                                          \
    WINDOW_PIXEL("r1", "2", "0") WINDOW_PIXEL("r2", "2", "1")                                                \
    MAC(SUM_1, "r1", "r8") MAC(SUM_1, "r2", "r9") MAC(SUM_2, "r2", "r8")                                     \
    MAC(SUM_3, "r1", "r3") MAC(SUM_3, "r2", "r4") MAC(SUM_4, "r2", "r3")                                     \
    WINDOW_PIXEL("r1", "2", "2") WINDOW_PIXEL("r2", "2", "3")                                                \
    MAC(SUM_1, "r1", "r10") MAC(SUM_2, "r1", "r9") MAC(SUM_2, "r2", "r10")                                   \
    MAC(SUM_3, "r1", "r5") MAC(SUM_4, "r1", "r4") MAC(SUM_4, "r2", "r5")                                     \
    /* fourth row */                                                                                         \
    WINDOW_PIXEL("r1", "3", "0") WINDOW_PIXEL("r2", "3", "1")                                                \
    WINDOW_PIXEL("r3", "3", "2") WINDOW_PIXEL("r4", "3", "3")                                                \
    load_end                                                                                                 \
    MAC(SUM_3, "r1", "r8") MAC(SUM_3, "r2", "r9") MAC(SUM_3, "r3", "r10")                                    \
    MAC(SUM_4, "r2", "r8") MAC(SUM_4, "r3", "r9") MAC(SUM_4, "r4", "r10")
/* clang-format on */

static inline __attribute__((always_inline)) void conv3x3_window(struct conv2d layer, const uint8_t *input,
                                                                 const uint32_t *pairs,
                                                                 const uint32_t *pairs_end, uint32_t bias,
                                                                 uint32_t sums[4])
{
    register const uint8_t *pixel __asm__("r0") = input;
    register const uint32_t *weight __asm__("r6") = pairs;
    register uint32_t upper_left __asm__(SUM_1) = bias;
    register uint32_t upper_right __asm__(SUM_2) = bias;
    register uint32_t lower_left __asm__(SUM_3) = bias;
    register uint32_t lower_right __asm__(SUM_4) = bias;

    if (layer.channels > 1) {
        __asm__ volatile(EACH_CHANNEL WINDOW("ldr.w r5, %[end]\n") NEXT_CHANNEL("cmp r6, r5\n")
                         : "+r"(pixel), "+r"(weight), "+r"(upper_left), "+r"(upper_right), "+r"(lower_left),
                           "+r"(lower_right)
                         : SIZES(layer), [end] "m"(pairs_end)
                         : "r1", "r2", "r3", "r4", "r5", "r8", "r9", "r10", "cc", "memory");
    } else {
        __asm__ volatile(".balign 4\n" WINDOW("")
                         : "+r"(weight), "+r"(upper_left), "+r"(upper_right), "+r"(lower_left),
                           "+r"(lower_right)
                         : "r"(pixel), SIZES(layer)
                         : "r1", "r2", "r3", "r4", "r5", "r8", "r9", "r10", "cc", "memory");
    }
    sums[0] = upper_left;
    sums[1] = upper_right;
    sums[2] = lower_left;
    sums[3] = lower_right;
}

#undef WINDOW
#undef WINDOW_PIXEL

static inline
    __attribute__((always_inline)) void conv3x3_row_of_three(struct conv2d layer, const uint8_t *input,
                                                             const uint32_t *pairs, const uint32_t *pairs_end,
                                                             uint32_t bias, uint32_t sums[3])
{
    register const uint8_t *pixel __asm__("r0") = input;
    register const uint32_t *weight __asm__("r6") = pairs;
    register uint32_t left __asm__(SUM_1) = bias;
    register uint32_t middle __asm__(SUM_2) = bias;
    register uint32_t right __asm__(SUM_3) = bias;

    /* clang-format off */
#define ROW_OF_PIXELS(row)                                                                                   \
        LOAD_WEIGHTS("r8", "r9", "r10")                                                                      \
        LOAD_PIXEL("r1", row, "0", "31") LOAD_PIXEL("r2", row, "1", "4") LOAD_PIXEL("r3", row, "2", "4")     \
        LOAD_PIXEL("r4", row, "3", "4") LOAD_PIXEL("r5", row, "4", "4")                                      \
        MAC(SUM_1, "r1", "r8") MAC(SUM_1, "r2", "r9") MAC(SUM_1, "r3", "r10")                                \
        MAC(SUM_2, "r2", "r8") MAC(SUM_2, "r3", "r9") MAC(SUM_2, "r4", "r10")                                \
        MAC(SUM_3, "r3", "r8") MAC(SUM_3, "r4", "r9") MAC(SUM_3, "r5", "r10")

    __asm__ volatile(
        EACH_CHANNEL
        ROW_OF_PIXELS("0")
        ROW_OF_PIXELS("1")
        ROW_OF_PIXELS("2")
        NEXT_CHANNEL("cmp r6, %[end]\n")
        : "+r"(pixel), "+r"(weight), "+r"(left), "+r"(middle), "+r"(right)
        : SIZES(layer), [end] "r"(pairs_end)
        : "r1", "r2", "r3", "r4", "r5", "r8", "r9", "r10", "cc", "memory");

#undef ROW_OF_PIXELS
    /* clang-format on */

    sums[0] = left;
    sums[1] = middle;
    sums[2] = right;
}

static inline __attribute__((always_inline)) void
conv3x3_row_of_five(struct conv2d layer, const uint8_t *input, const uint32_t *pairs,
                    const uint32_t *pairs_end, uint32_t bias, uint32_t sums[5])
{
    register const uint8_t *pixel __asm__("r0") = input;
    register const uint32_t *weight __asm__("r6") = pairs;
    register uint32_t first __asm__(SUM_1) = bias;
    register uint32_t second __asm__(SUM_2) = bias;
    register uint32_t third __asm__(SUM_3) = bias;
    register uint32_t fourth __asm__(SUM_4) = bias;
    register uint32_t fifth __asm__(SUM_5) = bias;

    /* clang-format off */
#define ROW_OF_PIXELS(row)                                                                                   \
        LOAD_WEIGHTS("r8", "r9", "r10")                                                                      \
        LOAD_PIXEL("r1", row, "0", "3") LOAD_PIXEL("r2", row, "1", "3")                                      \
        LOAD_PIXEL("r3", row, "2", "3") LOAD_PIXEL("r4", row, "3", "3")                                      \
        MAC(SUM_1, "r1", "r8") MAC(SUM_1, "r2", "r9") MAC(SUM_1, "r3", "r10")                                \
        MAC(SUM_2, "r2", "r8") MAC(SUM_2, "r3", "r9") MAC(SUM_2, "r4", "r10")                                \
        MAC(SUM_3, "r3", "r8") MAC(SUM_3, "r4", "r9")                                                        \
        MAC(SUM_4, "r4", "r8")                                                                               \
        LOAD_PIXEL("r1", row, "4", "32") LOAD_PIXEL("r2", row, "5", "6") LOAD_PIXEL("r3", row, "6", "6")     \
        MAC(SUM_3, "r1", "r10")                                                                              \
        MAC(SUM_4, "r1", "r9") MAC(SUM_4, "r2", "r10")                                                       \
        MAC(SUM_5, "r1", "r8") MAC(SUM_5, "r2", "r9") MAC(SUM_5, "r3", "r10")

    __asm__ volatile(
        EACH_CHANNEL
        ROW_OF_PIXELS("0")
        ROW_OF_PIXELS("1")
        ROW_OF_PIXELS("2")
        NEXT_CHANNEL("ldr r1, %[end]\n" "cmp r6, r1\n")
        : "+r"(pixel), "+r"(weight), "+r"(first), "+r"(second), "+r"(third), "+r"(fourth), "+r"(fifth)
        : SIZES(layer), [end] "m"(pairs_end)
        : "r1", "r2", "r3", "r4", "r8", "r9", "r10", "cc", "memory");

#undef ROW_OF_PIXELS
    /* clang-format on */

    sums[0] = first;
    sums[1] = second;
    sums[2] = third;
    sums[3] = fourth;
    sums[4] = fifth;
}

#undef SIZES
#undef CHANNELS_TOGETHER
#undef NEXT_CHANNEL
#undef EACH_CHANNEL
#undef LOAD_PIXEL
#undef LOAD_WEIGHTS
#undef MAC
#undef SUM_1
#undef SUM_2
#undef SUM_3
#undef SUM_4
#undef SUM_5

#else

/* The sums at height x width positions. */
static inline __attribute__((always_inline)) void
conv3x3_positions(struct conv2d layer, int height, int width, const uint8_t *input, const uint32_t *pairs,
                  const uint32_t *pairs_end, uint32_t bias, uint32_t *sums)
{
    for (int position = 0; position < height * width; position++) {
        sums[position] = bias;
    }
    for (; pairs != pairs_end; pairs += 9, input += layer.rows * layer.columns) {
#pragma GCC unroll 9
        for (int k = 0; k < 9; k++) {
            const uint8_t *corner = input + k / 3 * layer.columns + k % 3;
#pragma GCC unroll 5
            for (int position = 0; position < height * width; position++) {
                sums[position] += corner[position / width * layer.columns + position % width] * pairs[k];
            }
        }
    }
}

static inline void conv3x3_window(struct conv2d layer, const uint8_t *input, const uint32_t *pairs,
                                  const uint32_t *pairs_end, uint32_t bias, uint32_t sums[4])
{
    conv3x3_positions(layer, 2, 2, input, pairs, pairs_end, bias, sums);
}

static inline void conv3x3_row_of_three(struct conv2d layer, const uint8_t *input, const uint32_t *pairs,
                                        const uint32_t *pairs_end, uint32_t bias, uint32_t sums[3])
{
    conv3x3_positions(layer, 1, 3, input, pairs, pairs_end, bias, sums);
}

static inline void conv3x3_row_of_five(struct conv2d layer, const uint8_t *input, const uint32_t *pairs,
                                       const uint32_t *pairs_end, uint32_t bias, uint32_t sums[5])
{
    conv3x3_positions(layer, 1, 5, input, pairs, pairs_end, bias, sums);
}

#endif

static inline int32_t conv3x3_larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* Of four pairs, the largest high sum: whatever the low ones are, pairs are in the order of the high ones. */
static inline int32_t conv3x3_largest_high(const uint32_t sums[4])
{
    int32_t upper = conv3x3_larger((int32_t)sums[0], (int32_t)sums[1]);
    int32_t lower = conv3x3_larger((int32_t)sums[2], (int32_t)sums[3]);
    return lanes_high((uint32_t)conv3x3_larger(upper, lower));
}

/* And the largest low one: shifted up, they are alone in their words. */
static inline int32_t conv3x3_largest_low(const uint32_t sums[4])
{
    int32_t upper = conv3x3_larger((int32_t)(sums[0] << 16), (int32_t)(sums[1] << 16));
    int32_t lower = conv3x3_larger((int32_t)(sums[2] << 16), (int32_t)(sums[3] << 16));
    return conv3x3_larger(upper, lower) >> 16;
}

static inline __attribute__((always_inline)) void
conv3x3_shift_bytes(int shift, const uint8_t *restrict input, uint8_t *restrict shifted, size_t bytes)
{
    uint32_t four = 0;
    __builtin_memcpy(&four, input, bytes);
    four = four >> shift & (0xffu >> shift) * 0x01010101u;
    __builtin_memcpy(shifted, &four, bytes);
}

/* Shifts rows of each picture right, four pixels at a time; what comes over from the neighbour is masked. The
 * words at both ends are shifted whole, if they lie within the input. */
static inline void conv3x3_shift(struct conv2d layer, int first_row, int end_row,
                                 const uint8_t *restrict input, uint8_t *restrict shifted)
{
    const int pixels = layer.channels * layer.rows * layer.columns;
    const size_t rest = (size_t)pixels % 4;
    for (int channel = 0; channel < layer.channels; channel++) {
        const int first = (channel * layer.rows + first_row) * layer.columns;
        int end = (channel * layer.rows + end_row) * layer.columns;
        if (rest != 0 && end > pixels - (int)rest) {
            end = pixels - (int)rest;
            conv3x3_shift_bytes(layer.input_shift, input + end, shifted + end, rest);
        }
        for (int k = first & ~3; k < end; k += 4) {
            conv3x3_shift_bytes(layer.input_shift, input + k, shifted + k, 4);
        }
    }
}

/* Makes rows of pictures with zeros around, from shifted pixels. The rows are counted with the padding. */
static inline void conv3x3_pad(struct conv2d layer, int first_row, int end_row, const uint8_t *restrict input,
                               uint8_t *restrict padded)
{
    const int rows = layer.rows + 2 * layer.padding;
    const int columns = layer.columns + 2 * layer.padding;
    for (int channel = 0; channel < layer.channels; channel++) {
        uint8_t *next = padded + (channel * rows + first_row) * columns;
        for (int row = first_row - layer.padding; row < end_row - layer.padding; row++) {
            const int pixels = (channel * layer.rows + row) * layer.columns;
            for (int column = -layer.padding; column < layer.columns + layer.padding; column++) {
                int is_inside = row >= 0 && row < layer.rows && column >= 0 && column < layer.columns;
                *next++ = (uint8_t)(is_inside ? input[pixels + column] >> layer.input_shift : 0);
            }
        }
    }
}

/* The same bits as conv2d(), for the same rows.
 *   packed:  the weights, as lanes_unpack() takes them: two outputs, then the next two; channel, row, column
 *   bias:    pairs as well
 *   scratch: room for the pairs of two outputs, a whole number of words of flash of them, and for a copy of
 *            the input with its padding, where it is padded or shifted; nothing there is kept */
static inline __attribute__((always_inline)) void
conv3x3_lanes(struct conv2d layer, struct requantisation rule, int first_row, int end_row,
              const uint8_t *restrict input, const uint32_t *restrict packed, const uint32_t *restrict bias,
              const int16_t *restrict multiplier, uint32_t *restrict scratch, uint8_t *restrict output)
{
    const int taps = 9 * layer.channels;
    const int words = lanes_words(taps, layer.weight_bits);
    const int plane = layer.output_rows * layer.output_columns;
    const int width = layer.output_columns % 5 == 0 ? 5 : 3; /* of rows, where there is no pooling */

    if (layer.padding > 0 || layer.input_shift > 0) {
        uint8_t *copy = (uint8_t *)(scratch + words * lanes_per_word(layer.weight_bits));
        const int first_input = first_row * layer.pool, end_input = end_row * layer.pool + 2;
        if (layer.padding > 0) {
            conv3x3_pad(layer, first_input, end_input, input, copy);
        } else {
            conv3x3_shift(layer, first_input, end_input, input, copy);
        }
        input = copy;
        layer.rows += 2 * layer.padding;
        layer.columns += 2 * layer.padding;
    }
    IN_REGISTER(scratch);
    for (int o = 0; o < layer.outputs; o += 2, output += 2 * plane, packed += words) {
        const uint32_t pair_bias = *bias++;
        const int32_t low_multiplier = multiplier[o], high_multiplier = multiplier[o + 1];
        uint8_t *next = output + first_row * layer.output_columns;
        lanes_unpack(packed, scratch, words, layer.weight_bits);

        for (int row = first_row; row < end_row; row++) {
            if (layer.pool == 2) {
                const uint8_t *corner = input + 2 * row * layer.columns;
                for (int column = 0; column < layer.output_columns; column++, corner += 2, next++) {
                    uint32_t sums[4];
                    conv3x3_window(layer, corner, scratch, scratch + taps, pair_bias, sums);
                    next[0] = requantise(rule, conv3x3_largest_low(sums), low_multiplier);
                    next[plane] = requantise(rule, conv3x3_largest_high(sums), high_multiplier);
                }
                continue;
            }
            for (int column = 0; column < layer.output_columns; column += width) {
                /* The last ones may overlap those before. */
                int first = column + width <= layer.output_columns ? column : layer.output_columns - width;
                const uint8_t *corner = input + row * layer.columns + first;
                uint32_t sums[5];
                if (width == 5) {
                    conv3x3_row_of_five(layer, corner, scratch, scratch + taps, pair_bias, sums);
                } else {
                    conv3x3_row_of_three(layer, corner, scratch, scratch + taps, pair_bias, sums);
                }
                next = output + row * layer.output_columns + first;
#pragma GCC unroll 5
                for (int k = 0; k < width; k++) {
                    next[k] = requantise(rule, lanes_low(sums[k]), low_multiplier);
                    next[plane + k] = requantise(rule, lanes_high(sums[k]), high_multiplier);
                }
            }
        }
    }
}
