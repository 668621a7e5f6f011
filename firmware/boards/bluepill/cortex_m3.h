/* The processor: instructions that C has no words for, and its reset. */
#pragma once

#include <stdint.h>

#include "stm32f103.h"

static inline void interrupts_disable(void)
{
    __asm volatile("cpsid i" ::: "memory");
}

static inline void interrupts_enable(void)
{
    __asm volatile("cpsie i" ::: "memory");
}

/* Sleeps until the next interrupt. */
static inline void wait_for_interrupt(void)
{
    __asm volatile("dsb\n\twfi" ::: "memory");
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
