/* Two boards run this program, their CAN transceivers on PA11 and PA12 at one bus of 125 kbit/s. Each sends a frame until
 * it has the other's. */
#include "program.h"

#define CAN(offset) REG(0x40006400 + (offset))
enum {
    MCR = 0x00,
    MSR = 0x04,
    TSR = 0x08,
    RF0R = 0x0c,
    BTR = 0x1c,
    TI0R = 0x180,
    TDT0R = 0x184,
    TDL0R = 0x188,
    TDH0R = 0x18c,
    RI0R = 0x1b0,
    RDT0R = 0x1b4,
    RDL0R = 0x1b8,
    FMR = 0x200,
    FS1R = 0x20c,
    FA1R = 0x21c,
    F0R1 = 0x240
};

void run(void)
{
    set_pin('A', 12, GPIO_ALTERNATE_OUTPUT_50MHZ);
    CAN(MCR) = 1;
    check(wait_for(&CAN(MSR), 3, 1, 10), "no initialisation mode");
    CAN(BTR) = 3u | 12u << 16 | 1u << 20; /* 8 MHz / 4 / 16 */
    CAN(FMR) |= 1;
    CAN(FS1R) = 1; /* one 32-bit filter that lets everything pass */
    CAN(F0R1) = 0;
    CAN(F0R1 + 4) = 0;
    CAN(FA1R) = 1;
    CAN(FMR) &= ~1u;
    CAN(MCR) = 0;
    check(wait_for(&CAN(MSR), 1, 0, 100), "the bus is not idle");
    for (unsigned k = 0; k < 50 && !(CAN(RF0R) & 3); k++) {
        CAN(TDT0R) = 4;
        CAN(TDL0R) = 0x12345678;
        CAN(TDH0R) = 0;
        CAN(TI0R) = 0x321u << 21 | 1;
        delay_microseconds(10000);
    }
    check(CAN(RF0R) & 3, "no frame came");
    check(CAN(RI0R) >> 21 == 0x321, "the frame has another identifier");
    check((CAN(RDT0R) & 0xf) == 4 && CAN(RDL0R) == 0x12345678, "the frame has other data");
    /* The other board may still wait. */
    for (unsigned k = 0; k < 5; k++) {
        CAN(TI0R) = 0x321u << 21 | 1;
        delay_microseconds(10000);
    }
}
