/* A fully connected layer in single precision: not part of any firmware, but what `invoke bench` compares
 * with. The Cortex-M3 has no floating-point unit, so the compiler calls a function for each operation. */
#pragma once

#include <stdint.h>

/* logits[o] = bias[o] + sum over i of input[i] / 255 * weights[o * inputs + i]
 *   scratch: room for the inputs */
static inline void linear_float(int inputs, int outputs, const uint8_t *restrict input,
                                const float *restrict weights, const float *restrict bias,
                                float *restrict scratch, float *restrict logits)
{
    for (int i = 0; i < inputs; i++) {
        scratch[i] = (float)input[i] / 255.0f;
    }
    for (int o = 0; o < outputs; o++) {
        float sum = bias[o];
        for (int i = 0; i < inputs; i++) {
            sum += scratch[i] * weights[o * inputs + i];
        }
        logits[o] = sum;
    }
}
