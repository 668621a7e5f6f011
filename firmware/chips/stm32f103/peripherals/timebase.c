#include "timebase.h"

#include "cortex_m3.h"
#include "handlers.h"

static volatile uint32_t milliseconds;
static bool counts_cycles;

void systick_handler(void)
{
    milliseconds++;
}

static void systick_start(uint32_t hz)
{
    SYSTICK->rvr = hz / 1000 - 1;
    SYSTICK->cvr = 0;
    SYSTICK->csr = SYSTICK_CSR_ENABLE | SYSTICK_CSR_TICKINT | SYSTICK_CSR_CLKSOURCE_CPU;
}

static void cycle_counter_start(void)
{
    DEMCR |= DEMCR_TRCENA;
    DWT_CYCCNT = 0;
    DWT_CTRL |= DWT_CTRL_CYCCNTENA;
    const uint32_t before = DWT_CYCCNT;
    const uint32_t ms = milliseconds;
    while (milliseconds - ms < 2) { /* simulators advance time in steps of up to a millisecond */
        wait_for_interrupt();
    }
    counts_cycles = DWT_CYCCNT != before;
}

void timebase_start(uint32_t hz)
{
    systick_start(hz);
    cycle_counter_start();
}

uint32_t timebase_milliseconds(void)
{
    return milliseconds;
}

bool timebase_counts_cycles(void)
{
    return counts_cycles;
}
