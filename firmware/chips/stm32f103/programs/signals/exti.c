/* External interrupts: a wire from PA1, which the program drives, to PA0. */
#include "program.h"

#define EXTI ((reg32 *)0x40010400)
enum { IMR, EMR, RTSR, FTSR, SWIER, PR };

void on_interrupt(unsigned number)
{
    EXTI[PR] = number == 6 ? 1u : 2u;
}

void run(void)
{
    set_pin('A', 1, GPIO_OUTPUT_2MHZ);
    EXTI[RTSR] = 1;
    EXTI[IMR] = 3;
    enable_interrupt(6);
    enable_interrupt(7);
    for (unsigned k = 0; k < 3; k++) {
        GPIO('A')->bsrr = 1u << 1;
        delay_microseconds(10);
        GPIO('A')->brr = 1u << 1;
        delay_microseconds(10);
    }
    check(interrupts[6] == 3, "not one interrupt for each rising edge");
    EXTI[FTSR] = 1;
    GPIO('A')->bsrr = 1u << 1;
    delay_microseconds(10);
    GPIO('A')->brr = 1u << 1;
    delay_microseconds(10);
    check(interrupts[6] == 5, "not one interrupt for each edge");
    EXTI[SWIER] = 2;
    delay_microseconds(10);
    check(interrupts[7] == 1, "software does not trigger a line");
}
