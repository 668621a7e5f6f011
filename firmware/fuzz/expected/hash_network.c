#include "hash_network.h"

#include "check.h"
#include "network.h"

#define NOTHING_HASHED 2166136261u

void (*network_pause)(void); /* nothing here takes long */

#define BEFORE_LAST_CHANNEL ((NETWORK_CHANNELS - 1) * NETWORK_ROWS * NETWORK_COLUMNS)

static uint32_t hash = NOTHING_HASHED; /* of the first pixels */
static int hashed_pixels;

static uint32_t hash_pixels(uint32_t before, const uint8_t *pixels, int count)
{
    for (int k = 0; k < count; k++) {
        before = (before ^ pixels[k]) * 16777619u;
    }
    return before;
}

static void spread(uint32_t from, int32_t logits[NETWORK_CLASSES])
{
    for (int k = 0; k < NETWORK_CLASSES; k++) {
        from = from * 1664525u + 1013904223u;
        logits[k] = (int32_t)from;
    }
}

void hash_logits(const uint8_t image[NETWORK_PIXELS], int32_t logits[NETWORK_CLASSES])
{
    spread(hash_pixels(NOTHING_HASHED, image, NETWORK_PIXELS), logits);
}

void network_begin(void)
{
    hash = NOTHING_HASHED;
    hashed_pixels = 0;
}

bool network_rows(const uint8_t image[NETWORK_PIXELS], int rows)
{
    CHECK((uintptr_t)image % 4 == 0, "the image lies at %p, and kernels load words", (const void *)image);
    CHECK(rows >= 0 && rows <= NETWORK_ROWS, "%d rows of the last channel", rows);
    const int arrived = rows == 0 ? 0 : BEFORE_LAST_CHANNEL + rows * NETWORK_COLUMNS;
    CHECK(hashed_pixels <= arrived, "%d pixels are computed, and %d have arrived", hashed_pixels, arrived);
    if (hashed_pixels == arrived) {
        return false;
    }
    hash = hash_pixels(hash, image + hashed_pixels, NETWORK_COLUMNS);
    hashed_pixels += NETWORK_COLUMNS;
    return true;
}

void network_finish(const uint8_t image[NETWORK_PIXELS], int32_t logits[NETWORK_CLASSES])
{
    while (network_rows(image, NETWORK_ROWS)) {
    }
    spread(hash, logits);
    network_begin();
}

void network_run(const uint8_t image[NETWORK_PIXELS], int32_t logits[NETWORK_CLASSES])
{
    network_begin();
    network_finish(image, logits);
}

bool network_selftest(uint8_t scratch[NETWORK_PIXELS])
{
    int32_t logits[NETWORK_CLASSES];
    network_run(scratch, logits);
    return true;
}
