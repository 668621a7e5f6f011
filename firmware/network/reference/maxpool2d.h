/* Max pooling where no convolution comes before it, which would pool by itself. */
#pragma once

#include <stdint.h>

#include "reference/pool2d.h"

/* output = the largest pixel of each window */
static inline void maxpool2d(struct pool2d layer, const uint8_t *restrict input, uint8_t *restrict output)
{
    for (int channel = 0; channel < layer.channels; channel++, input += layer.rows * layer.columns) {
        for (int row = 0; row < layer.output_rows; row++) {
            for (int column = 0; column < layer.output_columns; column++) {
                const uint8_t *window = input + (row * layer.columns + column) * layer.stride;
                uint8_t largest = 0;
                for (int y = 0; y < layer.size; y++) {
                    for (int x = 0; x < layer.size; x++) {
                        uint8_t pixel = window[y * layer.columns + x];
                        largest = pixel > largest ? pixel : largest;
                    }
                }
                *output++ = largest;
            }
        }
    }
}
