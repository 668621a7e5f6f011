#include "network.h"

/* Noise from the linear congruential generator of Numerical Recipes. It costs no flash and, unlike a digit, uses every
 * pixel. It does not test weights behind a ReLU that gives zero for it: the firmware's checksum protects them.
 * compiler/reference.py makes the same image. */
static void selftest_image(uint8_t image[NETWORK_PIXELS])
{
    uint32_t x = 1;
    for (int k = 0; k < NETWORK_PIXELS; k++) {
        x = x * 1664525u + 1013904223u;
        image[k] = (uint8_t)(x >> 24);
    }
}

bool network_selftest(uint8_t scratch[NETWORK_PIXELS])
{
    int32_t logits[NETWORK_CLASSES];
    selftest_image(scratch);
    network_run(scratch, logits);

    for (int k = 0; k < NETWORK_CLASSES; k++) {
        if (logits[k] != model_selftest_logits[k]) {
            return false;
        }
    }
    return true;
}
