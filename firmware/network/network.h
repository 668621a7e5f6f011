/* The network: the same functions for every model and board. KERNELS.md explains how it works. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model.h" /* NETWORK_CHANNELS, _ROWS, _COLUMNS, _PIXELS, _CLASSES and network_class_names */

/* Computes the logits of one image. `invoke export` generates the layers from the model file; the NumPy
 * reference in compiler/reference.py defines every bit of the result.
 *   image:  bytes in the order channel, row, column; word-aligned, here and below
 *   logits: one integer per class; times the model's logit scale they are the real logits */
void network_run(const uint8_t image[NETWORK_PIXELS], int32_t logits[NETWORK_CLASSES]);

/* The class of the largest logit, the lowest class if several are equal. */
int network_label(const int32_t logits[NETWORK_CLASSES]);

/* Runs the self-test's image and compares every logit with the reference's: finds damaged weights, a damaged kernel, a
 * wrong compiler.
 *   scratch: room for the image, overwritten */
bool network_selftest(uint8_t scratch[NETWORK_PIXELS]);

/* ---- The same for an image that is still arriving ---- */

/* Discards the partial result: the next image is another one. */
void network_begin(void);

/* Computes a part of what the first rows of the image allow, at most 3.2 ms at 72 MHz without interrupts.
 * False if all that they allow is computed.
 *   rows: of the last channel; all channels before it are complete */
bool network_rows(const uint8_t image[NETWORK_PIXELS], int rows);

/* The rows of the last channel among the first bytes of an image. */
static inline int network_rows_in(uint32_t bytes)
{
    const uint32_t before = (NETWORK_CHANNELS - 1) * NETWORK_ROWS * NETWORK_COLUMNS;
    return bytes < before ? 0 : (int)((bytes - before) / NETWORK_COLUMNS);
}

/* Computes the rest of the complete image, and discards it. The logits are those of network_run(), however often
 * network_rows() was called for the same image since network_begin(). */
void network_finish(const uint8_t image[NETWORK_PIXELS], int32_t logits[NETWORK_CLASSES]);

/* If set, network_finish() and network_run() call this at least every 50 ms or so at 72 MHz, for a watchdog. */
extern void (*network_pause)(void);
