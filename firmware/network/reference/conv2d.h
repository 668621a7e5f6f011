/* Convolution, max pooling and requantisation: the reference kernel, which defines the bits of any faster one.
 *
 * Any kernel size, stride, zero padding and number of groups (depthwise: one for each channel). Pictures are
 * planar: channel, row, column. Exact: the compiler refuses a model if a sum could leave int32. The sizes are
 * constants at every call, and inlining lets the compiler specialise the loops. */
#pragma once

#include <stdint.h>

#include "reference/requantise.h"
#include "reference/weights.h"

struct conv2d {
    int channels, rows, columns; /* of the input */
    int outputs, output_rows, output_columns;
    int kernel_rows, kernel_columns;
    int stride, padding, groups;
    int pool; /* max pooling over pool x pool positions that do not overlap; 1 where there is none */
    int pool_stride;
    int input_shift; /* how many low bits of the input do not count */
    int weight_bits;
};

/* bias[output] + the sum of the products at one position of the kernel. Weights lie in the order output,
 * channel of the group, row, column. */
static inline __attribute__((always_inline)) int32_t conv2d_accumulator(struct conv2d layer,
                                                                        const uint8_t *input,
                                                                        const int8_t *weights,
                                                                        const int32_t *bias, int output,
                                                                        int row, int column)
{
    int group_channels = layer.channels / layer.groups;
    int first_channel = output / (layer.outputs / layer.groups) * group_channels;
    int weight = output * group_channels * layer.kernel_rows * layer.kernel_columns;
    int32_t accumulator = bias[output];

    for (int channel = first_channel; channel < first_channel + group_channels; channel++) {
        for (int kernel_row = 0; kernel_row < layer.kernel_rows; kernel_row++) {
            for (int kernel_column = 0; kernel_column < layer.kernel_columns; kernel_column++, weight++) {
                int y = row * layer.stride - layer.padding + kernel_row;
                int x = column * layer.stride - layer.padding + kernel_column;
                if (y >= 0 && y < layer.rows && x >= 0 && x < layer.columns) {
                    int pixel = input[(channel * layer.rows + y) * layer.columns + x] >> layer.input_shift;
                    accumulator += pixel * weight_at(weights, weight, layer.weight_bits);
                }
            }
        }
    }
    return accumulator;
}

/* Computes the rows of the output from first_row to end_row - 1; of the input only those that they need are
 * read.
 *
 * Pooling looks at the accumulators: requantisation never falls where they rise, so the largest activation
 * is the largest accumulator's, and only that one is requantised and kept. */
static inline __attribute__((always_inline)) void
conv2d(struct conv2d layer, struct requantisation rule, int first_row, int end_row,
       const uint8_t *restrict input, const int8_t *restrict weights, const int32_t *restrict bias,
       const int16_t *restrict multiplier, uint8_t *restrict output)
{
    for (int o = 0; o < layer.outputs; o++) {
        uint8_t *next = output + (o * layer.output_rows + first_row) * layer.output_columns;
        for (int row = first_row; row < end_row; row++) {
            for (int column = 0; column < layer.output_columns; column++) {
                int32_t largest = INT32_MIN;
                for (int k = 0; k < layer.pool * layer.pool; k++) {
                    int y = row * layer.pool_stride + k / layer.pool;
                    int x = column * layer.pool_stride + k % layer.pool;
                    int32_t accumulator = conv2d_accumulator(layer, input, weights, bias, o, y, x);
                    largest = accumulator > largest ? accumulator : largest;
                }
                *next++ = requantise(rule, largest, multiplier[o]);
            }
        }
    }
}
