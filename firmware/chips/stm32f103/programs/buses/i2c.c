/* I2C1 on PB6 and PB7 with pull-ups and at least one slave of any kind. */
#include "program.h"

#define I2C1 ((reg32 *)0x40005400)
enum { CR1, CR2, OAR1, OAR2, DR, SR1, SR2, CCR, TRISE };

static bool answers(uint32_t address)
{
    I2C1[CR1] |= 1u << 8;
    check(wait_for(&I2C1[SR1], 1, 1, 10), "no start: are there pull-ups?");
    I2C1[DR] = address << 1;
    delay_microseconds(200);
    bool acknowledged = I2C1[SR1] & 1u << 1;
    check(acknowledged != (bool)(I2C1[SR1] & 1u << 10), "neither ADDR nor AF");
    (void)I2C1[SR2];
    I2C1[SR1] &= ~(1u << 10);
    I2C1[CR1] |= 1u << 9;
    check(wait_for(&I2C1[SR2], 2, 0, 10), "the bus stays busy after STOP");
    return acknowledged;
}

void run(void)
{
    I2C1[CR2] = 8;
    I2C1[CCR] = 40; /* 100 kHz */
    I2C1[TRISE] = 9;
    I2C1[CR1] = 1;
    set_pin('B', 6, 0xf); /* open drain */
    set_pin('B', 7, 0xf);
    unsigned slaves = 0;
    for (uint32_t address = 8; address < 0x78; address++) {
        slaves += answers(address);
    }
    check(slaves > 0, "no slave answers");
    check(slaves < 100, "every address answers");
}
