/* Runs the network on a known image: finds damaged weights, a damaged kernel, a wrong compiler. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "network.h"

/* Runs the self-test image and compares every logit with what the reference computed at export.
 *   scratch: room for the image, overwritten */
bool network_selftest(uint8_t scratch[NETWORK_PIXELS]);
