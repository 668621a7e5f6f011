// A bit-band alias, RM0008 3.3.2: each word of it is one bit of the region at `target`. A write reads the word that
// holds the bit and writes it back.

using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Bus;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class STM32F103_BitBand : STM32F103_Peripheral
    {
        public STM32F103_BitBand(IMachine machine, ulong target, long size) : base(machine)
        {
            this.target = target;
            this.size = size;
        }

        public override void Reset()
        {
        }

        public override uint ReadDoubleWord(long offset)
        {
            return sysbus.ReadDoubleWord(WordOf(offset)) >> BitOf(offset) & 1;
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            var word = sysbus.ReadDoubleWord(WordOf(offset)) & ~(1u << BitOf(offset));
            sysbus.WriteDoubleWord(WordOf(offset), word | (value & 1) << BitOf(offset));
        }

        public override long Size => size;

        // The address that an alias stands for, null for one that is none.
        public static ulong? Target(ulong address)
        {
            var region = address & 0xFE000000;
            return region == 0x22000000 || region == 0x42000000 ? region - 0x02000000 + ((address & 0x01FFFFFF) >> 5) : (ulong?)null;
        }

        private ulong WordOf(long offset) => target + (ulong)(offset >> 5 & ~3L);

        private static int BitOf(long offset) => (int)(offset >> 2 & 31);

        private readonly ulong target;
        private readonly long size;
    }
}
