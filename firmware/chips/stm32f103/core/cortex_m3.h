/* The processor: instructions that C has no words for, and its reset. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "registers.h"

static inline void interrupts_disable(void)
{
    __asm volatile("cpsid i" ::: "memory");
}

/* Those that are pending are taken before this returns. */
static inline void interrupts_enable(void)
{
    __asm volatile("cpsie i\n\tisb" ::: "memory");
}

/* Sleeps until the next interrupt. One that is pending wakes it also while interrupts are disabled, DDI 0403
 * B1.5.19. */
static inline void wait_for_interrupt(void)
{
    __asm volatile("dsb\n\twfi" ::: "memory");
}

/* Sleeps until an interrupt, at most until that of the next millisecond, and not at all when `ready` holds. What
 * makes it hold is an interrupt, and none can come unnoticed between the look and the sleep. */
static inline void sleep_unless(bool (*ready)(void))
{
    interrupts_disable();
    if (!ready()) {
        wait_for_interrupt();
    }
    interrupts_enable();
}

static inline uint32_t stack_pointer(void)
{
    uint32_t sp;
    __asm volatile("mov %0, sp" : "=r"(sp));
    return sp;
}

static inline uint32_t active_exception(void)
{
    uint32_t ipsr;
    __asm volatile("mrs %0, ipsr" : "=r"(ipsr));
    return ipsr;
}

/* Resets the chip, DDI 0403 B1.5.16. */
static inline _Noreturn void system_reset(void)
{
    SCB->aircr = SCB_AIRCR_SYSRESETREQ;
    for (;;) { /* the reset takes a few cycles */
    }
}
