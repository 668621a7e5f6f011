// How a character lies on the line: a start bit, data bits from the lowest, a parity bit in the last of them if there
// is parity, and stop bits.

namespace Antmicro.Renode.Peripherals.UART
{
    public struct CharacterFormat
    {
        // dataBits: with the parity bit; stopBits: 0.5, 1, 1.5 or 2
        public CharacterFormat(int dataBits, Parity parity, double stopBits)
        {
            DataBits = dataBits;
            Parity = parity;
            StopBits = stopBits;
        }

        public readonly int DataBits;
        public readonly Parity Parity;
        public readonly double StopBits;

        // In bits, with start and stop.
        public double Length => 1 + DataBits + StopBits;

        // Start and data bits as they go out, the start bit lowest.
        public uint Frame(uint data)
        {
            data &= DataMask;
            if(Parity != Parity.None)
            {
                data = data & ~ParityMask | (ParityOf(data) ? ParityMask : 0);
            }
            return data << 1;
        }

        public bool ParityFails(uint data)
        {
            return Parity != Parity.None && ((data & ParityMask) != 0) != ParityOf(data);
        }

        private bool ParityOf(uint data)
        {
            var odd = false;
            for(var rest = data & ~ParityMask & DataMask; rest != 0; rest &= rest - 1)
            {
                odd = !odd;
            }
            return odd == (Parity == Parity.Even);
        }

        private uint DataMask => (1u << DataBits) - 1;

        private uint ParityMask => 1u << DataBits - 1;
    }
}
