/* Two multiplications in one: the weights of two outputs share a word, 16 bits apart.
 *
 * A pair is low + high * 65536, modulo 2^32. A pixel times a pair is the pair of the products, and a sum of
 * pairs is the pair of the sums. Carries between the halves do no harm on the
 * way: at the end both sums can be read exactly if each fits 16 bits. The compiler chooses these kernels only if
 * that is certain. */
#pragma once

#include <stdint.h>

/* The first of two sums. */
static inline int32_t lanes_low(uint32_t pair)
{
    return (int16_t)pair;
}

/* The second: adding 32768 undoes the borrow of a negative first one. */
static inline int32_t lanes_high(uint32_t pair)
{
    return (int32_t)(pair + 0x8000u) >> 16;
}

/* How many pairs lie in a word of flash. */
static inline int lanes_per_word(int weight_bits)
{
    return 16 / weight_bits;
}

static inline int lanes_words(int pairs, int weight_bits)
{
    return (pairs + lanes_per_word(weight_bits) - 1) / lanes_per_word(weight_bits);
}

/* Unpacks words of flash, one or more, into lanes_per_word() pairs each.
 *
 * Pair k of a word has its low weight at bit k * weight_bits and its high one 16 bits above, both with
 * 2^(weight_bits - 1) added: one AND cuts them out, one subtraction makes them signed. */
static inline void lanes_unpack(const uint32_t *restrict packed, uint32_t *restrict pairs, int words,
                                int weight_bits)
{
    const uint32_t *end = packed + words;
    uint32_t mask = ((1u << weight_bits) - 1) * 0x10001u;
    uint32_t offset = (1u << (weight_bits - 1)) * 0x10001u;
#ifdef __thumb2__
    /* In a register, a mask is shifted and ANDed in one instruction, and the end is not loaded again. */
    __asm__("" : "+r"(mask), "+r"(offset), "+r"(end));
#endif

#pragma GCC unroll 2
    do {
        uint32_t word = *packed++;
#pragma GCC unroll 8
        for (int k = 0; k < lanes_per_word(weight_bits); k++) {
            *pairs++ = (word >> (weight_bits * k) & mask) - offset;
        }
    } while (packed != end);
}
