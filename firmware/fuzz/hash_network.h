/* The network of the fuzzed application: a hash of the image, at a thousandth of the real one's time. Another
 * pixel makes other logits, and they take all values there are. What fuzzing is to find lies around the network;
 * its kernels are held against the reference image by image elsewhere. */
#pragma once

#include "network.h"

/* What network_run() answers, whatever the network has computed of another image. */
void hash_logits(const uint8_t image[NETWORK_PIXELS], int32_t logits[NETWORK_CLASSES]);
