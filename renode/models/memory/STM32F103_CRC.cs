// The CRC unit, RM0008 chapter 4: CRC-32 with polynomial 0x04C11DB7, a word at a time, the most significant bit first.

using Antmicro.Renode.Core;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class STM32F103_CRC : STM32F103_Peripheral
    {
        public STM32F103_CRC(IMachine machine) : base(machine)
        {
        }

        public override void Reset()
        {
            remainder = uint.MaxValue;
            independent = 0;
        }

        public override uint ReadDoubleWord(long offset)
        {
            return offset == 0 ? remainder : offset == 4 ? independent : 0;
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            switch(offset)
            {
            case 0:
                remainder ^= value;
                for(var k = 0; k < 32; k++)
                {
                    remainder = (remainder & 0x80000000) != 0 ? remainder << 1 ^ Polynomial : remainder << 1;
                }
                break;
            case 4:
                independent = value & 0xFF;
                break;
            case 8:
                remainder = (value & 1) != 0 ? uint.MaxValue : remainder;
                break;
            }
        }

        private uint remainder = uint.MaxValue;
        private uint independent;

        private const uint Polynomial = 0x04C11DB7;
    }
}
