/* Instructions that C has no words for. */
#pragma once

#include <stdint.h>

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
