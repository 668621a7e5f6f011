/* The converter measures its own reference, 1.20 V, as a part of the supply of 3.3 V. */
#include "program.h"

#define ADC1 ((reg32 *)0x40012400)
enum { SR, CR1, CR2, SMPR1, SQR1 = 11, SQR2, SQR3, DR = 19 };

void run(void)
{
    ADC1[CR2] = 1u | 1u << 23;
    delay_microseconds(20);
    ADC1[CR2] |= 1u << 3;
    check(wait_for(&ADC1[CR2], 1u << 3, 0, 10), "the calibration is not reset");
    ADC1[CR2] |= 1u << 2;
    check(wait_for(&ADC1[CR2], 1u << 2, 0, 10), "the calibration does not end");
    ADC1[SMPR1] = 7u << 21;
    ADC1[SQR3] = 17;
    ADC1[CR2] |= 7u << 17 | 1u << 20;
    ADC1[CR2] |= 1u << 22;
    check(wait_for(&ADC1[SR], 2, 2, 10), "the conversion does not end");
    uint32_t value = ADC1[DR];
    check(value > 1370 && value < 1620, "the reference is not 1.20 V");
    check(!(ADC1[SR] & 2), "reading the value does not clear EOC");
}
