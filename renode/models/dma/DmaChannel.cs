// One channel: its registers, flags and transfers, RM0008 13.3 and 13.4.

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.Miscellaneous;

namespace Antmicro.Renode.Peripherals.DMA
{
    public class DmaChannel
    {
        public DmaChannel(STM32F103_DMA parent, IBusController bus, STM32F103_MemoryMap memoryMap, int number)
        {
            this.parent = parent;
            this.bus = bus;
            this.memoryMap = memoryMap;
            Number = number;
        }

        public void Reset()
        {
            count = 0;
            reload = 0;
            flags = 0;
            IsPulsed = false;
            UpdateInterrupt();
        }

        public void DefineRegisters(DoubleWordRegisterCollection registers, long offset)
        {
            registers.DefineRegister(offset + 0x0)
                .WithFlag(0, out enabled, name: "EN")
                .WithFlag(1, out completeInterruptEnabled, name: "TCIE")
                .WithFlag(2, out halfInterruptEnabled, name: "HTIE")
                .WithFlag(3, out errorInterruptEnabled, name: "TEIE")
                .WithFlag(4, out fromMemory, name: "DIR")
                .WithFlag(5, out circular, name: "CIRC")
                .WithFlag(6, out peripheralIncrements, name: "PINC")
                .WithFlag(7, out memoryIncrements, name: "MINC")
                .WithValueField(8, 2, out peripheralSize, name: "PSIZE")
                .WithValueField(10, 2, out memorySize, name: "MSIZE")
                .WithValueField(12, 2, out priority, name: "PL")
                .WithFlag(14, out memoryToMemory, name: "MEM2MEM")
                .WithReservedBits(15, 17)
                .WithWriteCallback((old, value) => ControlWasWritten(old, value));
            registers.DefineRegister(offset + 0x4)
                .WithValueField(0, 16, valueProviderCallback: _ => count, writeCallback: (_, value) => count = reload = Locked(count, value, "CNDTR"), name: "NDT")
                .WithReservedBits(16, 16);
            registers.DefineRegister(offset + 0x8)
                .WithValueField(0, 32, out peripheralAddress, writeCallback: (old, value) => peripheralAddress.Value = Locked(old, value, "CPAR"), name: "PA");
            registers.DefineRegister(offset + 0xC)
                .WithValueField(0, 32, out memoryAddress, writeCallback: (old, value) => memoryAddress.Value = Locked(old, value, "CMAR"), name: "MA");
        }

        public void ClearFlags(uint bits)
        {
            flags &= (bits & Any) != 0 ? 0 : ~bits;
            UpdateInterrupt();
        }

        // Moves one item. The size of the destination cuts or widens it, table 76.
        public void Move()
        {
            IsPulsed = false;
            var source = fromMemory.Value ? nextMemory : nextPeripheral;
            var target = fromMemory.Value ? nextPeripheral : nextMemory;
            var sourceSize = fromMemory.Value ? memorySize.Value : peripheralSize.Value;
            var targetSize = fromMemory.Value ? peripheralSize.Value : memorySize.Value;
            if(!Answers(source, false) || !Answers(target, true))
            {
                parent.Log(LogLevel.Error, "Channel {0}: transfer error from 0x{1:X8} to 0x{2:X8}.", Number, source, target);
                enabled.Value = false;
                Raise(Error);
                return;
            }
            Write(target, targetSize, Read(source, sourceSize));
            nextPeripheral += peripheralIncrements.Value ? 1UL << (int)peripheralSize.Value : 0;
            nextMemory += memoryIncrements.Value ? 1UL << (int)memorySize.Value : 0;
            count--;
            if(count == 0)
            {
                if(circular.Value)
                {
                    Begin();
                    count = reload;
                }
                Raise(Complete);
            }
            else if(count == reload / 2)
            {
                Raise(Half);
            }
        }

        public int Number { get; }

        public GPIO IRQ { get; } = new GPIO();

        public bool IsRequested => Requests != 0 || IsPulsed;

        // One bit for each request line that is high.
        public uint Requests { get; set; }

        public bool IsPulsed { get; set; }

        public bool CopiesMemory => memoryToMemory.Value;

        public ulong Remaining => count;

        public bool CanMove => enabled.Value && count > 0;

        public ulong Priority => priority.Value;

        public uint Flags => flags | (flags != 0 ? Any : 0);

        public const int FlagsWidth = 4;

        private void ControlWasWritten(uint old, uint value)
        {
            if((old & value & Enable) != 0 && ((old ^ value) & ~InterruptEnables) != 0)
            {
                parent.Log(LogLevel.Error, "Channel {0} was configured while it is enabled.", Number);
            }
            if((value & ~old & Enable) != 0)
            {
                CheckConfiguration();
                Begin();
            }
            UpdateInterrupt();
            parent.Serve();
        }

        private void CheckConfiguration()
        {
            if(peripheralSize.Value == ReservedSize || memorySize.Value == ReservedSize)
            {
                parent.Log(LogLevel.Error, "Channel {0}: a size is reserved.", Number);
            }
            if(memoryToMemory.Value && circular.Value)
            {
                parent.Log(LogLevel.Error, "Channel {0}: memory to memory cannot be circular, 13.3.3.", Number);
            }
        }

        private void Begin()
        {
            nextPeripheral = peripheralAddress.Value;
            nextMemory = memoryAddress.Value;
        }

        // Registers that cannot be written while the channel is enabled, 13.4.4 to 13.4.6.
        private ulong Locked(ulong old, ulong value, string name)
        {
            if(!enabled.Value)
            {
                return value;
            }
            parent.Log(LogLevel.Error, "{0} of channel {1} was written while it is enabled.", name, Number);
            return old;
        }

        // The core's own peripherals and its bit-band aliases are out of a channel's reach.
        private bool Answers(ulong address, bool isWrite)
        {
            return address < CorePeripherals && STM32F103_BitBand.Target(address) == null && memoryMap.Answers(address, isWrite);
        }

        private ulong Read(ulong address, ulong size)
        {
            switch(size)
            {
            case 0: return bus.ReadByte(address);
            case 1: return bus.ReadWord(address & ~1UL);
            default: return bus.ReadDoubleWord(address & ~3UL);
            }
        }

        private void Write(ulong address, ulong size, ulong value)
        {
            switch(size)
            {
            case 0:
                bus.WriteByte(address, (byte)value);
                break;
            case 1:
                bus.WriteWord(address & ~1UL, (ushort)value);
                break;
            default:
                bus.WriteDoubleWord(address & ~3UL, (uint)value);
                break;
            }
        }

        private void Raise(uint flag)
        {
            flags |= flag;
            UpdateInterrupt();
        }

        private void UpdateInterrupt()
        {
            IRQ.Set((completeInterruptEnabled.Value && (flags & Complete) != 0)
                || (halfInterruptEnabled.Value && (flags & Half) != 0)
                || (errorInterruptEnabled.Value && (flags & Error) != 0));
        }

        private ulong count;
        private ulong reload;
        private ulong nextPeripheral;
        private ulong nextMemory;
        private uint flags;

        private IFlagRegisterField enabled;
        private IFlagRegisterField completeInterruptEnabled;
        private IFlagRegisterField halfInterruptEnabled;
        private IFlagRegisterField errorInterruptEnabled;
        private IFlagRegisterField fromMemory;
        private IFlagRegisterField circular;
        private IFlagRegisterField peripheralIncrements;
        private IFlagRegisterField memoryIncrements;
        private IFlagRegisterField memoryToMemory;
        private IValueRegisterField peripheralSize;
        private IValueRegisterField memorySize;
        private IValueRegisterField priority;
        private IValueRegisterField peripheralAddress;
        private IValueRegisterField memoryAddress;

        private readonly STM32F103_DMA parent;
        private readonly IBusController bus;
        private readonly STM32F103_MemoryMap memoryMap;

        private const uint Any = 1 << 0; // of a channel's four flags
        private const uint Complete = 1 << 1;
        private const uint Half = 1 << 2;
        private const uint Error = 1 << 3;
        private const uint Enable = 1 << 0; // of CCR
        private const uint InterruptEnables = 7 << 1;
        private const ulong ReservedSize = 3;
        private const ulong CorePeripherals = 0xE0000000;
    }
}
