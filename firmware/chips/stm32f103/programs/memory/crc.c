/* The CRC unit: the checksum of two words, computed bit by bit as well. */
#include "program.h"

#define CRC ((reg32 *)0x40023000)

static uint32_t step(uint32_t remainder, uint32_t word)
{
    remainder ^= word;
    for (unsigned k = 0; k < 32; k++) {
        remainder = remainder & 1u << 31 ? remainder << 1 ^ 0x04c11db7 : remainder << 1;
    }
    return remainder;
}

void run(void)
{
    CRC[2] = 1;
    check(CRC[0] == 0xffffffff, "the unit does not begin with ones");
    CRC[0] = 0x12345678;
    CRC[0] = 0x9abcdef0;
    check(CRC[0] == step(step(0xffffffff, 0x12345678), 0x9abcdef0), "the checksum is wrong");
    CRC[1] = 0x1a5;
    check(CRC[1] == 0xa5, "the independent register does not keep a byte");
}
