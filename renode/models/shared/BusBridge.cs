// Narrow accesses to a word-wide register. The chip's bridges repeat a byte or half-word that is written over the
// whole word, RM0008 3.1; a narrow read takes its part of the word.

namespace Antmicro.Renode.Peripherals.Bus
{
    public static class BusBridge
    {
        public static uint Repeat(byte value) => value * 0x01010101u;

        public static uint Repeat(ushort value) => value * 0x00010001u;

        public static uint Shift(uint word, long offset) => word >> (int)(offset & 3) * 8;

        public static long Align(long offset) => offset & ~3L;
    }
}
