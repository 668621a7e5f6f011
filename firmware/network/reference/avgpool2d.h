/* Average pooling. */
#pragma once

#include <stdint.h>

#include "reference/pool2d.h"

#define AVGPOOL2D_SHIFT 22 /* the fixed point: 255 << 22 is what 31 bits hold */

/* output = (sum of each window * multiplier + half) >> 22, where the multiplier is 2^22 / pixels in a window,
 * rounded down, so that no mean is above the largest pixel */
static inline void avgpool2d(struct pool2d layer, const uint8_t *restrict input, uint8_t *restrict output)
{
    const int32_t multiplier = (1 << AVGPOOL2D_SHIFT) / (layer.size * layer.size);

    for (int channel = 0; channel < layer.channels; channel++, input += layer.rows * layer.columns) {
        for (int row = 0; row < layer.output_rows; row++) {
            for (int column = 0; column < layer.output_columns; column++) {
                const uint8_t *window = input + (row * layer.columns + column) * layer.stride;
                int32_t sum = 0;
                for (int y = 0; y < layer.size; y++) {
                    for (int x = 0; x < layer.size; x++) {
                        sum += window[y * layer.columns + x];
                    }
                }
                *output++ = (uint8_t)((sum * multiplier + (1 << (AVGPOOL2D_SHIFT - 1))) >> AVGPOOL2D_SHIFT);
            }
        }
    }
}
