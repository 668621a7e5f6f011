#include "network.h"

int network_label(const int32_t logits[NETWORK_CLASSES])
{
    int best = 0;
    for (int k = 1; k < NETWORK_CLASSES; k++) {
        if (logits[k] > logits[best]) {
            best = k;
        }
    }
    return best;
}
