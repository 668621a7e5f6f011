/* Fully connected layer: the readable kernel, and so far the only one. */
#pragma once

#include <stdint.h>

/* output[o] = bias[o] + sum over i of input[i] * weights[o * inputs + i]
 *
 * Exact: the exporter refuses weights whose sum could leave int32. The sizes are constants at every
 * call, so the compiler specialises the loops. */
static inline void linear_u8_s8(const uint8_t *restrict input, const int8_t *restrict weights,
                                const int32_t *restrict bias, int32_t *restrict output, int inputs, int outputs)
{
    for (int o = 0; o < outputs; o++) {
        int32_t accumulator = bias[o];
        for (int i = 0; i < inputs; i++) {
            accumulator += input[i] * *weights++;
        }
        output[o] = accumulator;
    }
}
