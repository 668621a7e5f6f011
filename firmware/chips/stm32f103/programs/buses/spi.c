/* SPI1 with its output wired to its input: PA7 to PA6. */
#include "program.h"

#define SPI1 ((reg32 *)0x40013000)
enum { CR1, CR2, SR, DR };

void run(void)
{
    SPI1[CR1] = 0x0314; /* software NSS, high; master; an eighth of 8 MHz */
    SPI1[CR1] |= 1u << 6;
    set_pin('A', 5, GPIO_ALTERNATE_OUTPUT_50MHZ);
    set_pin('A', 7, GPIO_ALTERNATE_OUTPUT_50MHZ);
    for (uint32_t value = 0; value < 256; value++) {
        SPI1[DR] = value;
        check(wait_for(&SPI1[SR], 1, 1, 1), "no character came back");
        check(SPI1[DR] == value, "another character came back");
    }
    SPI1[DR] = 1;
    check(wait_for(&SPI1[SR], 2, 2, 1), "TXE does not rise");
    SPI1[DR] = 2;
    delay_microseconds(100);
    check(SPI1[SR] & 1u << 6, "no overrun");
    check(SPI1[DR] == 1, "the overrun did not keep the older character");
    (void)SPI1[SR];
    check(!(SPI1[SR] & 1u << 6), "the overrun was not cleared");
}
