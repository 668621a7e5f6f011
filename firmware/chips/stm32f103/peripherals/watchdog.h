/* The independent watchdog. */
#pragma once

#include "registers.h"

/* With the prescaler 16: 1.6 s at the LSI's nominal 40 kHz, 1.1 to 2.2 s over its tolerance (19.3, table 96). */
#define WATCHDOG_RELOAD 4095u

static inline void watchdog_start(void)
{
    DBGMCU_CR |= DBGMCU_CR_IWDG_STOP; /* no reset while a debugger halts the processor */
    IWDG->kr = IWDG_KR_START;
    IWDG->kr = IWDG_KR_UNLOCK;
    IWDG->pr = IWDG_PR_DIV16;
    IWDG->rlr = WATCHDOG_RELOAD;
    IWDG->kr = IWDG_KR_FEED;
}

static inline void watchdog_feed(void)
{
    IWDG->kr = IWDG_KR_FEED;
}
