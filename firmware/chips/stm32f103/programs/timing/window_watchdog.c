/* The window watchdog's early interrupt, and a reset by it: the program starts a second time. */
#include "program.h"

#define WWDG ((reg32 *)0x40002c00)

void on_interrupt(unsigned number)
{
    (void)number;
    WWDG[2] = 0;
    WWDG[0] = 0xff;
}

void run(void)
{
    if (RCC->csr & RCC_CSR_WWDGRSTF) {
        RCC->csr |= RCC_CSR_RMVF;
        return;
    }
    WWDG[1] = 1u << 9 | 3u << 7 | 0x7f; /* 4.1 ms a step */
    WWDG[0] = 0xff;
    enable_interrupt(0);
    delay_microseconds(600000);
    check(interrupts[0] == 2, "the early interrupt did not come twice in 0.6 s");
    WWDG[0] = 0x80; /* T6 is clear: a reset */
    delay_microseconds(1000);
    check(false, "no reset");
}
