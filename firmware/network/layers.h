/* What network.c knows of the generated model.c: which rows of a layer's output need which rows of its input. */
#pragma once

#include <stdint.h>

#include "model.h"

/* A layer whose kernel cannot compute single rows counts as one row, its whole output. */
struct network_layer {
    uint8_t output_rows;
    uint8_t input_rows; /* all rows of the input that are ever read */
    uint8_t first_needs; /* rows of the input for the first row of the output */
    uint8_t next_needs; /* and for each further row; the last rows may need fewer */
    uint8_t max_rows_while_receiving; /* 3.2 ms at most; 0 if one row takes longer, and in the last layer */
    uint8_t max_rows_per_call; /* 50 ms at most, or one row; after the whole image has arrived */
};

extern const struct network_layer network_layers[MODEL_LAYERS];

/* Computes the rows of a layer's output from first_row to end_row - 1. */
void network_compute(int layer, int first_row, int end_row, const uint8_t *image, int32_t *logits);
