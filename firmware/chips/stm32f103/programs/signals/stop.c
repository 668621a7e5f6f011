/* The stop mode, which the RTC's alarm ends through line 17 of the external interrupts. */
#include "program.h"

#define PWR_CR REG(0x40007000)
#define EXTI   ((reg32 *)0x40010400)
#define RTC    ((reg32 *)0x40002800)

void on_interrupt(unsigned number)
{
    (void)number;
    EXTI[5] = 1u << 17;
}

void run(void)
{
    PWR_CR = 1u << 8;
    RCC->bdcr = 1u << 16;
    RCC->bdcr = 0;
    RCC->csr |= 1;
    check(wait_for(&RCC->csr, 2, 2, 10), "LSI does not start");
    RCC->bdcr = 1u << 15 | 2u << 8;
    check(wait_for(&RTC[1], 1u << 5, 1u << 5, 100), "RTOFF does not rise");
    RTC[1] |= 1u << 4;
    RTC[2] = 0;
    RTC[3] = 399;
    RTC[6] = 0;
    RTC[7] = 0;
    RTC[8] = 0;
    RTC[9] = 10;
    RTC[1] &= ~(1u << 4);
    check(wait_for(&RTC[1], 1u << 5, 1u << 5, 100), "the write does not end");
    EXTI[2] = 1u << 17;
    EXTI[0] = 1u << 17;
    enable_interrupt(41);
    SCB->scr = 1u << 2; /* SLEEPDEEP */
    __asm__ volatile("wfi");
    SCB->scr = 0;
    check(interrupts[41] == 1, "another interrupt ended the stop mode");
    check(RTC[7] >= 10, "it ended before the alarm");
}
