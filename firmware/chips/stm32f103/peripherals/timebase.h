/* Milliseconds from SysTick, processor cycles from the DWT. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "registers.h"

/* Starts both.
 *   hz: the processor's clock */
void timebase_start(uint32_t hz);

/* Milliseconds since timebase_start(); wraps. */
uint32_t timebase_milliseconds(void);

/* Whether the DWT counts cycles. QEMU has none. */
bool timebase_counts_cycles(void);

static inline uint32_t timebase_cycles(void)
{
    return DWT_CYCCNT;
}
