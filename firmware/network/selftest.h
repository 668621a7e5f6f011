/* One known image through the network: catches damaged weights, a damaged kernel, a wrong compiler. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "network.h"

/* Draws the image of the self-test. */
void selftest_image(uint8_t image[NETWORK_PIXELS]);

/* Whether these are its logits, every one as the reference computed it at export. */
bool selftest_passed(const int32_t logits[NETWORK_CLASSES]);
