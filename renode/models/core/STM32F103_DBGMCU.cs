// The debug unit, RM0008 31.16. User code reads it as zero and its writes are lost unless a debugger is attached
// (errata sheet CD00190234); the monitor is a debugger. Only a power-on
// reset clears CR.

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class STM32F103_DBGMCU : STM32F103_Peripheral
    {
        public STM32F103_DBGMCU(IMachine machine) : base(machine)
        {
            Registers.IdentityCode.Define(this, MediumDensity)
                .WithValueField(0, 32, FieldMode.Read, name: "REV_ID and DEV_ID");
            Registers.Control.Define(this)
                .WithValueField(0, 22, out control, name: "CR")
                .WithReservedBits(22, 10);
        }

        public override void Reset()
        {
        }

        public void PowerOnReset()
        {
            RegistersCollection.Reset();
        }

        public override uint ReadDoubleWord(long offset) => IsAccessible ? base.ReadDoubleWord(offset) : 0;

        public override void WriteDoubleWord(long offset, uint value)
        {
            if(IsAccessible)
            {
                base.WriteDoubleWord(offset, value);
            }
        }

        public bool DebuggerIsAttached { get; set; }

        private bool IsAccessible => DebuggerIsAttached || !machine.SystemBus.TryGetCurrentCPU(out var _);

        private readonly IValueRegisterField control;

        private const uint MediumDensity = 0x20036410;

        private enum Registers
        {
            IdentityCode = 0x0,
            Control = 0x4,
        }
    }
}
