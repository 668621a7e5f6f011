/* The network of the fuzzed application: a hash of the image, a thousand times faster than a real one. Each pixel
 * changes the logits, which take all values of 32 bits. The fuzzer tests the code around the network; other tests
 * compare the kernels with the reference. */
#pragma once

#include "network.h"

/* The logits of network_run(). Leaves the state of the network alone. */
void hash_logits(const uint8_t image[NETWORK_PIXELS], int32_t logits[NETWORK_CLASSES]);
