/* What the generated model.c tells network.c: which rows of a layer's output depend on which of its input. */
#pragma once

#include <stdint.h>

#include "model.h"

/* A layer that cannot be divided has a single row, its whole output. */
struct network_layer {
    uint8_t output_rows;
    /* Of the output of the layer before, or of the image: all that are ever read. So many of them are needed for
     * the first row of the output, and so many more for each further one; the last rows may do with fewer. */
    uint8_t input_rows;
    uint8_t first_needs;
    uint8_t next_needs;
    /* Rows that are computed in one call: while the image arrives, in at most 3 ms, none where not even one is and
     * in the last layer; once it is there, in at most 50 ms, or one. */
    uint8_t ahead;
    uint8_t at_once;
};

extern const struct network_layer network_layers[MODEL_LAYERS];

/* Computes the rows of a layer's output from first_row to end_row - 1. */
void network_compute(int layer, int first_row, int end_row, const uint8_t *image, int32_t *logits);
