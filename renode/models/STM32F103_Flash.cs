// The flash interface of the STM32F103, RM0008 3.3: wait states and prefetch, and a controller that stays locked.

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;

namespace Antmicro.Renode.Peripherals.MTD
{
    public class STM32F103_Flash : BasicDoubleWordPeripheral, IKnownSize
    {
        public STM32F103_Flash(IMachine machine) : base(machine)
        {
            Registers.AccessControl.Define(this, 0x30)
                .WithValueField(0, 3, out latency, name: "LATENCY")
                .WithFlag(3, name: "HLFCYA")
                .WithFlag(4, out prefetch, name: "PRFTBE")
                .WithFlag(5, FieldMode.Read, valueProviderCallback: _ => prefetch.Value, name: "PRFTBS")
                .WithReservedBits(6, 26);

            // Writing flash is not modelled: the keys are refused aloud, so that no firmware believes it was written.
            Registers.Key.Define(this).WithValueField(0, 32, FieldMode.Write, writeCallback: (_, __) => RefuseUnlock());
            Registers.OptionKey.Define(this).WithValueField(0, 32, FieldMode.Write, writeCallback: (_, __) => RefuseUnlock());
            Registers.Status.Define(this).WithValueField(0, 32, FieldMode.Read);
            Registers.Control.Define(this, 0x80).WithValueField(0, 32, FieldMode.Read);
            Registers.OptionByte.Define(this, 0x03FFFFFC).WithValueField(0, 32, FieldMode.Read);
            Registers.WriteProtection.Define(this, 0xFFFFFFFF).WithValueField(0, 32, FieldMode.Read);
        }

        public long Size => 0x400;

        // How many wait states a data access has.
        public ulong WaitStates => latency.Value;

        private void RefuseUnlock()
        {
            this.Log(LogLevel.Error, "Writing flash is not modelled, the controller stays locked.");
        }

        private readonly IValueRegisterField latency;
        private readonly IFlagRegisterField prefetch;

        private enum Registers
        {
            AccessControl = 0x00,
            Key = 0x04,
            OptionKey = 0x08,
            Status = 0x0C,
            Control = 0x10,
            OptionByte = 0x1C,
            WriteProtection = 0x20,
        }
    }
}
