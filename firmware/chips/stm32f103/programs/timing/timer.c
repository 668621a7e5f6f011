/* TIM2 makes pulses on PA0 that TIM3 captures on PA6: a wire from PA0 to PA6. */
#include "program.h"

#define TIM2 ((reg32 *)0x40000000)
#define TIM3 ((reg32 *)0x40000400)
enum { CR1, CR2, SMCR, DIER, SR, EGR, CCMR1, CCMR2, CCER, CNT, PSC, ARR, RCR, CCR1 };

void on_interrupt(unsigned number)
{
    (void)number;
    TIM2[SR] = 0;
}

void run(void)
{
    set_pin('A', 0, GPIO_ALTERNATE_OUTPUT_50MHZ);
    TIM2[PSC] = 7;
    TIM2[ARR] = 999;
    TIM2[CCR1] = 250;
    TIM2[CCMR1] = 6u << 4; /* PWM */
    TIM2[CCER] = 1;
    TIM3[PSC] = 7;
    TIM3[CCMR1] = 1u | 2u << 8; /* channel 1 rising, channel 2 falling, both of TI1 */
    TIM3[CCER] = 1u | 3u << 4;
    TIM2[EGR] = 1;
    TIM3[EGR] = 1;
    TIM2[SR] = 0;
    TIM2[DIER] = 1;
    enable_interrupt(28);
    TIM3[CR1] = 1;
    TIM2[CR1] = 1;
    delay_microseconds(3500);
    check(interrupts[28] == 3, "TIM2 did not interrupt once in a millisecond");
    check(TIM3[SR] & 1u << 1, "TIM3 captured no edge");
    uint32_t rise = TIM3[CCR1], fall = TIM3[CCR1 + 1];
    check(fall - rise >= 248 && fall - rise <= 252, "the pulse is not 250 us long");
    TIM2[CR1] = 0;
    uint32_t count = TIM2[CNT];
    delay_microseconds(100);
    check(TIM2[CNT] == count, "a stopped counter counts");
}
