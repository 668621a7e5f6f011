/* The fast fully connected layer: any number of inputs and outputs, all bits of the inputs.
 *
 * A pixel of 8 bits times an unsigned weight of 8 bits fits 16 bits, so one MUL gives the products of two
 * outputs side by side. Two sums hold everything: that of the words, modulo 2^32, and that of their upper
 * halves; the lower halves' is the first minus the second shifted up. Weights lie in flash with 128 added,
 * which the sum of the pixels takes back at the end. All of it is exact modulo 2^32, whatever the weights.
 *
 * GCC moves registers about in the two inner loops, and its encodings of 32 bits wait for the flash, so they
 * are in assembly where there is Thumb-2; the C beside them says the same. */
#pragma once

#include <stdint.h>

#include "fast/assembly.h"
#include "reference/linear.h"
#include "reference/requantise.h"

#define LINEAR_PAIRED_MASK   0x00ff00ffu
#define LINEAR_PAIRED_OFFSET 128u /* added to each weight, so that it is not negative */

/* The sums of pairs of products. */
struct linear_pair {
    uint32_t words, upper_halves;
};

/* Adds the products of the outputs of one group with some inputs to their sums:
 *   linear_add_four(): a word of weights for each input; even bytes of outputs 0 and 2, odd of 1 and 3
 *   linear_add_two():  a word for two inputs; even bytes belong to the first, odd ones to the second */

static inline void linear_add_products(struct linear_pair *sums, uint32_t pixel, uint32_t pair)
{
    uint32_t products = pixel * (pair & LINEAR_PAIRED_MASK);
    sums->words += products;
    sums->upper_halves += products >> 16;
}

static inline void linear_add_four(const uint8_t *input, const uint32_t *weights, int inputs,
                                   struct linear_pair sums[2])
{
    for (int i = 0; i < inputs; i++) {
        linear_add_products(&sums[0], input[i], weights[i]);
        linear_add_products(&sums[1], input[i], weights[i] >> 8);
    }
}

static inline void linear_add_two(const uint8_t *input, const uint32_t *weights, int inputs,
                                  struct linear_pair *sums)
{
    for (int i = 0; i < inputs; i += 2) {
        linear_add_products(sums, input[i], weights[i / 2]);
        if (i + 1 < inputs) {
            linear_add_products(sums, input[i + 1], weights[i / 2] >> 8);
        }
    }
}

#ifdef NETWORK_ASSEMBLY

#define LINEAR_PAIRED_ROUND 16 /* inputs; the assembly takes whole rounds, and the sums start at zero */

/* Registers: r0 the pixels, r1 the weights, r2 and r3 weights loaded, r5 and r6 pixels, r10 the mask. */
#define PRODUCTS(pair, pixel) "muls " pair ", " pixel ", " pair "\n"
#define ADD(pair, words, upper_halves)                                                                       \
    "add " words ", " pair "\n"                                                                              \
    "add " upper_halves ", " upper_halves ", " pair ", lsr #16\n"

#define MULTIPLY_EVEN_BYTES(word, pixel) "and r4, r10, " word "\n" PRODUCTS("r4", pixel) ADD("r4", "r8", "r9")
#define MULTIPLY_ODD_BYTES(word, pixel)  "and " word ", r10, " word ", lsr #8\n" PRODUCTS(word, pixel)

static inline
    __attribute__((always_inline)) void linear_four_rounds(const uint8_t *input, const uint32_t *weights,
                                                           int inputs, struct linear_pair sums[2])
{
    register const uint8_t *pixel __asm__("r0") = input;
    register const uint32_t *weight __asm__("r1") = weights;
    register uint32_t mask __asm__("r10") = LINEAR_PAIRED_MASK;
    register uint32_t words_02 __asm__("r8") = 0, upper_halves_02 __asm__("r9") = 0;
    register uint32_t words_13 __asm__("r11") = 0, upper_halves_13 __asm__("r12") = 0;

    /* clang-format off */
    __asm__ volatile(
        ".balign 8\n"
        "0:\n"
        ".irp offset, 0, 2, 4, 6, 8, 10, 12, 14\n"
        "ldm r1!, {r2, r3}\n"
        "ldrb r5, [r0, #\\offset]\n"
        "ldrb r6, [r0, #\\offset + 1]\n"
        MULTIPLY_EVEN_BYTES("r2", "r5")
        MULTIPLY_ODD_BYTES("r2", "r5") ADD("r2", "r11", "r12")
        MULTIPLY_EVEN_BYTES("r3", "r6")
        MULTIPLY_ODD_BYTES("r3", "r6") ADD("r3", "r11", "r12")
        ".endr\n"
        "adds r0, #16\n"
        "cmp r0, %[end]\n"
        "bne 0b\n"
        : "+r"(pixel), "+r"(weight),
          "+r"(words_02), "+r"(upper_halves_02), "+r"(words_13), "+r"(upper_halves_13)
        : "r"(mask), [end] "r"(input + inputs)
        : "r2", "r3", "r4", "r5", "r6", "cc", "memory");
    /* clang-format on */

    sums[0] = (struct linear_pair){words_02, upper_halves_02};
    sums[1] = (struct linear_pair){words_13, upper_halves_13};
}

static inline __attribute__((always_inline)) void
linear_two_rounds(const uint8_t *input, const uint32_t *weights, int inputs, struct linear_pair *sums)
{
    register const uint8_t *pixel __asm__("r0") = input;
    register const uint32_t *weight __asm__("r1") = weights;
    register uint32_t mask __asm__("r10") = LINEAR_PAIRED_MASK;
    register uint32_t words __asm__("r8") = 0, upper_halves __asm__("r9") = 0;

    /* clang-format off */
    __asm__ volatile(
        ".balign 8\n"
        "0:\n"
        ".irp offset, 0, 4, 8, 12\n"
        "ldm r1!, {r2, r3}\n"
        "ldrb r5, [r0, #\\offset]\n"
        "ldrb r6, [r0, #\\offset + 1]\n"
        MULTIPLY_EVEN_BYTES("r2", "r5")
        MULTIPLY_ODD_BYTES("r2", "r6") ADD("r2", "r8", "r9")
        "ldrb r5, [r0, #\\offset + 2]\n"
        "ldrb r6, [r0, #\\offset + 3]\n"
        MULTIPLY_EVEN_BYTES("r3", "r5")
        MULTIPLY_ODD_BYTES("r3", "r6") ADD("r3", "r8", "r9")
        ".endr\n"
        "adds r0, #16\n"
        "cmp r0, %[end]\n"
        "bne 0b\n"
        : "+r"(pixel), "+r"(weight), "+r"(words), "+r"(upper_halves)
        : "r"(mask), [end] "r"(input + inputs)
        : "r2", "r3", "r4", "r5", "r6", "cc", "memory");
    /* clang-format on */

    *sums = (struct linear_pair){words, upper_halves};
}

#undef MULTIPLY_ODD_BYTES
#undef MULTIPLY_EVEN_BYTES
#undef ADD
#undef PRODUCTS

#endif

/* The sums over all inputs. */
static inline __attribute__((always_inline)) void
linear_sums_of_four(const uint8_t *input, const uint32_t *weights, int inputs, struct linear_pair sums[2])
{
    int done = 0;
    sums[0] = sums[1] = (struct linear_pair){0, 0};
#ifdef NETWORK_ASSEMBLY
    done = inputs / LINEAR_PAIRED_ROUND * LINEAR_PAIRED_ROUND;
    if (done > 0) {
        linear_four_rounds(input, weights, done, sums);
    }
#endif
    linear_add_four(input + done, weights + done, inputs - done, sums);
}

static inline __attribute__((always_inline)) void
linear_sums_of_two(const uint8_t *input, const uint32_t *weights, int inputs, struct linear_pair *sums)
{
    int done = 0;
    *sums = (struct linear_pair){0, 0};
#ifdef NETWORK_ASSEMBLY
    done = inputs / LINEAR_PAIRED_ROUND * LINEAR_PAIRED_ROUND;
    if (done > 0) {
        linear_two_rounds(input, weights, done, sums);
    }
#endif
    linear_add_two(input + done, weights + done / 2, inputs - done, sums);
}

static inline uint32_t linear_lower_sum(struct linear_pair sums)
{
    return sums.words - (sums.upper_halves << 16);
}

static inline uint32_t linear_upper_sum(struct linear_pair sums)
{
    return sums.upper_halves;
}

/* Four pixels at a time, by the same two sums. */
static inline uint32_t linear_sum_of_pixels(struct linear layer, const uint8_t *input)
{
    uint32_t mask = LINEAR_PAIRED_MASK;
    struct linear_pair sums = {0, 0};
#ifdef __thumb2__
    __asm__("" : "+r"(mask)); /* in a register, it is ANDed and shifted in one instruction */
#endif
    const int whole = layer.inputs / 4 * 4;
#pragma GCC unroll 4
    for (int i = 0; i < whole; i += 4) {
        uint32_t four;
        __builtin_memcpy(&four, input + i, sizeof four);
        uint32_t pair = (four & mask) + (four >> 8 & mask);
        sums.words += pair;
        sums.upper_halves += pair >> 16;
    }
    uint32_t sum = linear_lower_sum(sums) + linear_upper_sum(sums);
    for (int i = whole; i < layer.inputs; i++) {
        sum += input[i];
    }
    return sum;
}

/* The accumulators of the outputs from `first` on: four, or fewer at the end. Returns their number. */
static inline __attribute__((always_inline)) int
linear_paired_group(struct linear layer, const uint8_t *input, const uint32_t *weights, const int32_t *bias,
                    int first, uint32_t sum_of_pixels, int32_t accumulators[4])
{
    struct linear_pair sums[2];
    uint32_t sum[4];
    const int left = layer.outputs - first;
    const int count = left < 4 ? left : 4;
    weights += first / 4 * layer.inputs;
    if (count >= 3) {
        linear_sums_of_four(input, weights, layer.inputs, sums);
        sum[0] = linear_lower_sum(sums[0]);
        sum[1] = linear_lower_sum(sums[1]);
        sum[2] = linear_upper_sum(sums[0]);
        sum[3] = linear_upper_sum(sums[1]);
    } else {
        linear_sums_of_two(input, weights, layer.inputs, sums);
        sum[0] = linear_lower_sum(sums[0]);
        sum[1] = linear_upper_sum(sums[0]);
    }
    for (int k = 0; k < count; k++) {
        accumulators[k] =
            (int32_t)((uint32_t)bias[first + k] + sum[k] - LINEAR_PAIRED_OFFSET * sum_of_pixels);
    }
    return count;
}

/* The same bits as linear_logits().
 *   weights: bytes with 128 added, for four outputs as linear_add_four() takes them, then for the next four; for one
 *            or two outputs that are left over as linear_add_two() does; zero for missing outputs and inputs */
static inline __attribute__((always_inline)) void
linear_paired_logits(struct linear layer, const uint8_t *restrict input, const uint32_t *restrict weights,
                     const int32_t *restrict bias, int32_t *restrict logits)
{
    uint32_t sum_of_pixels = linear_sum_of_pixels(layer, input);
    for (int o = 0; o < layer.outputs;) {
        int32_t accumulators[4];
        int count = linear_paired_group(layer, input, weights, bias, o, sum_of_pixels, accumulators);
        for (int k = 0; k < count; k++, o++) {
            logits[o] = accumulators[k];
        }
    }
}

/* The same bits as linear(). */
static inline __attribute__((always_inline)) void
linear_paired(struct linear layer, struct requantisation rule, const uint8_t *restrict input,
              const uint32_t *restrict weights, const int32_t *restrict bias,
              const int16_t *restrict multiplier, uint8_t *restrict output)
{
    uint32_t sum_of_pixels = linear_sum_of_pixels(layer, input);
    for (int o = 0; o < layer.outputs;) {
        int32_t accumulators[4];
        int count = linear_paired_group(layer, input, weights, bias, o, sum_of_pixels, accumulators);
        for (int k = 0; k < count; k++, o++) {
            output[o] = requantise(rule, accumulators[k], multiplier[o]);
        }
    }
}
