/* The network: the same functions, whatever the model and whatever the board. KERNELS.md tells how it works. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define NETWORK_ROWS    28
#define NETWORK_COLUMNS 28
#define NETWORK_PIXELS  (NETWORK_ROWS * NETWORK_COLUMNS)
#define NETWORK_CLASSES 10

/* Computes the logits of one image. `invoke export` generates the layers from the model file; the NumPy
 * reference in compiler/reference.py defines every bit of the result.
 *   image:  28 x 28 pixels in row order, 0 = background, 255 = full ink
 *   logits: one integer per class; times the model's logit scale they are the real logits */
void network_run(const uint8_t image[NETWORK_PIXELS], int32_t logits[NETWORK_CLASSES]);

/* The class of the largest logit, the lowest class where several are equal. */
int network_label(const int32_t logits[NETWORK_CLASSES]);

/* ---- The same for an image that is still arriving ---- */

/* Forgets what has been computed: the next image is another one. */
void network_begin(void);

/* Says that the first `rows` rows of the image have arrived, and computes a part of what they allow: at most
 * 3 ms at 72 MHz, interrupts left out. False where they allow nothing more than what has been computed. */
bool network_rows(const uint8_t image[NETWORK_PIXELS], int rows);

/* Computes the rest of the image, which has arrived, and forgets it. However many calls of network_rows() came
 * before, since network_begin() and for the same image, the logits are those of network_run(). */
void network_finish(const uint8_t image[NETWORK_PIXELS], int32_t logits[NETWORK_CLASSES]);

/* Where it is set, network_finish() and network_run() call this between their parts, which take about 50 ms at
 * most at 72 MHz, so that a watchdog need not wait for a whole network. */
extern void (*network_pause)(void);
