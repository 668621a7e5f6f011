#include "network.h"

#include "layers.h"

void (*network_pause)(void);

static uint8_t computed[MODEL_LAYERS]; /* rows of each layer's output, the first ones */

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* How many rows of a layer's output can be computed from the first rows of its input. */
static int computable(const struct network_layer *layer, int input_rows)
{
    if (input_rows >= layer->input_rows) {
        return layer->output_rows;
    }
    return input_rows < layer->first_needs ? 0 : (input_rows - layer->first_needs) / layer->next_needs + 1;
}

void network_begin(void)
{
    for (int k = 0; k < MODEL_LAYERS; k++) {
        computed[k] = 0;
    }
}

bool network_rows(const uint8_t image[NETWORK_PIXELS], int rows)
{
    for (int k = 0; k < MODEL_LAYERS; k++) {
        const struct network_layer *layer = &network_layers[k];
        const int next = smaller(computable(layer, rows) - computed[k], layer->max_rows_while_receiving);
        if (next > 0) {
            network_compute(k, computed[k], computed[k] + next, image, 0);
            computed[k] = (uint8_t)(computed[k] + next);
            return true;
        }
        rows = computed[k];
    }
    return false;
}

void network_finish(const uint8_t image[NETWORK_PIXELS], int32_t logits[NETWORK_CLASSES])
{
    for (int k = 0; k < MODEL_LAYERS; k++) {
        const struct network_layer *layer = &network_layers[k];
        for (int row = computed[k]; row < layer->output_rows; row += layer->max_rows_per_call) {
            const int end_row = smaller(row + layer->max_rows_per_call, layer->output_rows);
            network_compute(k, row, end_row, image, logits);
            if (network_pause) {
                network_pause();
            }
        }
    }
    network_begin();
}

void network_run(const uint8_t image[NETWORK_PIXELS], int32_t logits[NETWORK_CLASSES])
{
    network_begin();
    network_finish(image, logits);
}
