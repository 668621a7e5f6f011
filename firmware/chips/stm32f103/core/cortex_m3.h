/* Processor instructions that C cannot express, and the reset. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "registers.h"

static inline void interrupts_disable(void)
{
    __asm volatile("cpsid i" ::: "memory");
}

/* Pending interrupts are taken before this returns. */
static inline void interrupts_enable(void)
{
    __asm volatile("cpsie i\n\tisb" ::: "memory");
}

/* Sleeps until an interrupt is pending, also while interrupts are disabled (DDI 0403, B1.5.19). */
static inline void wait_for_interrupt(void)
{
    __asm volatile("dsb\n\twfi" ::: "memory");
}

/* Sleeps until the next interrupt, at most until the next millisecond's; returns at once if `ready` holds. An
 * interrupt between the check and the sleep stays pending and ends the sleep. */
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
    for (;;) { /* the reset comes a few cycles later */
    }
}
