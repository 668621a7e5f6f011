// What the chip's own peripherals have in common: word-wide registers in a block of 1 KB behind a bridge.

using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Bus;

namespace Antmicro.Renode.Peripherals
{
    public abstract class STM32F103_Peripheral : BasicDoubleWordPeripheral, IWordPeripheral, IBytePeripheral, IKnownSize
    {
        protected STM32F103_Peripheral(IMachine machine) : base(machine)
        {
        }

        public ushort ReadWord(long offset) => (ushort)BusBridge.Shift(ReadDoubleWord(BusBridge.Align(offset)), offset);

        public void WriteWord(long offset, ushort value) => WriteDoubleWord(BusBridge.Align(offset), BusBridge.Repeat(value));

        public byte ReadByte(long offset) => (byte)BusBridge.Shift(ReadDoubleWord(BusBridge.Align(offset)), offset);

        public void WriteByte(long offset, byte value) => WriteDoubleWord(BusBridge.Align(offset), BusBridge.Repeat(value));

        public virtual long Size => 0x400;
    }

    // A peripheral whose speed is that of its bus.
    public interface IClockedByBus
    {
        // In Hz; 0 while the RCC keeps the clock away.
        uint BusFrequency { set; }
    }

    // A timer, whose clock is twice its bus's where that is divided, RM0008 figure 8.
    public interface IClockedByTimerClock
    {
        // In Hz; 0 while the RCC keeps the clock away.
        uint TimerFrequency { set; }
    }
}
