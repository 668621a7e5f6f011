/* The real-time clock on the internal low-speed oscillator, its alarm, and the lock of the backup domain. */
#include "program.h"

#define PWR_CR  REG(0x40007000)
#define BKP_DR1 REG(0x40006c04)
#define RTC     ((reg32 *)0x40002800)
enum { CRH, CRL, PRLH, PRLL, DIVH, DIVL, CNTH, CNTL, ALRH, ALRL };

void run(void)
{
    PWR_CR = 1u << 8; /* DBP */
    RCC->bdcr = 1u << 16;
    RCC->bdcr = 0;
    RCC->csr |= 1;
    check(wait_for(&RCC->csr, 2, 2, 10), "LSI does not start");
    RCC->bdcr = 1u << 15 | 2u << 8;
    RTC[CRL] &= ~(1u << 3);
    check(wait_for(&RTC[CRL], 1u << 3, 1u << 3, 100), "the registers do not synchronise");
    check(wait_for(&RTC[CRL], 1u << 5, 1u << 5, 100), "RTOFF does not rise");
    RTC[CRL] |= 1u << 4;
    RTC[PRLH] = 0;
    RTC[PRLL] = 399; /* 100 ticks a second, more or less */
    RTC[CNTH] = 0;
    RTC[CNTL] = 0;
    RTC[ALRH] = 0;
    RTC[ALRL] = 5;
    RTC[CRL] &= ~(1u << 4);
    check(wait_for(&RTC[CRL], 1u << 5, 1u << 5, 100), "the write does not end");
    check(wait_for(&RTC[CRL], 1u << 1, 1u << 1, 200), "no alarm");
    check(RTC[CNTL] == 5, "the alarm came at another count");
    BKP_DR1 = 0x1234;
    check(BKP_DR1 == 0x1234, "a backup register does not keep what was written");
}
