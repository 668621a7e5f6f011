/* Fully connected layer: the reference kernel, which defines the bits of any faster one.
 *
 * Exact: a model is refused where a sum could leave int32. The sizes are constants at every call, so the
 * compiler specialises the loops. */
#pragma once

#include <stdint.h>

#include "reference/requantise.h"
#include "reference/weights.h"

struct linear {
    int inputs, outputs;
    int input_shift; /* how many low bits of the input do not count */
    int weight_bits;
};

/* bias[output] + sum over i of (input[i] >> input_shift) * weight[output * inputs + i] */
static inline __attribute__((always_inline)) int32_t linear_accumulator(struct linear layer,
                                                                        const uint8_t *input,
                                                                        const int8_t *weights,
                                                                        const int32_t *bias, int output)
{
    int32_t accumulator = bias[output];
    for (int i = 0; i < layer.inputs; i++) {
        int32_t weight = weight_at(weights, output * layer.inputs + i, layer.weight_bits);
        accumulator += (input[i] >> layer.input_shift) * weight;
    }
    return accumulator;
}

/* The last layer: the accumulators are the logits. */
static inline __attribute__((always_inline)) void
linear_logits(struct linear layer, const uint8_t *restrict input, const int8_t *restrict weights,
              const int32_t *restrict bias, int32_t *restrict logits)
{
    for (int o = 0; o < layer.outputs; o++) {
        logits[o] = linear_accumulator(layer, input, weights, bias, o);
    }
}

/* Any other layer: the accumulators are requantised, with a multiplier for each output. */
static inline __attribute__((always_inline)) void
linear(struct linear layer, struct requantisation rule, const uint8_t *restrict input,
       const int8_t *restrict weights, const int32_t *restrict bias, const int16_t *restrict multiplier,
       uint8_t *restrict output)
{
    for (int o = 0; o < layer.outputs; o++) {
        output[o] = requantise(rule, linear_accumulator(layer, input, weights, bias, o), multiplier[o]);
    }
}
