// The cycle counter of the data watchpoint and trace unit, DDI 0403 C1.8. It counts HCLK in virtual time while DEMCR
// enables tracing; the watchpoints and the other counters are not modelled.

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.IRQControllers;
using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class CortexM3_DWT : BasicDoubleWordPeripheral, IKnownSize
    {
        public CortexM3_DWT(IMachine machine, CortexM3_NVIC nvic) : base(machine)
        {
            this.nvic = nvic;
            Registers.Control.Define(this, Comparators << 28)
                .WithFlag(0, out enabled, writeCallback: (_, __) => Count(), name: "CYCCNTENA")
                .WithReservedBits(1, 27)
                .WithValueField(28, 4, FieldMode.Read, name: "NUMCOMP");
            Registers.CycleCount.Define(this)
                .WithValueField(0, 32, valueProviderCallback: _ => Count(), writeCallback: (_, value) => { Count(); cycles = value; }, name: "CYCCNT");
        }

        public override void Reset()
        {
            base.Reset();
            cycles = 0;
        }

        public long Size => 0x1000;

        // HCLK in Hz.
        public uint Frequency
        {
            set
            {
                Count();
                frequency = value;
            }
        }

        // Brings the count up to now.
        private uint Count()
        {
            var now = machine.Now();
            if(wasCounting)
            {
                cycles += (now - countedUntil) * frequency / Alarm.NanosecondsASecond;
            }
            countedUntil = now;
            wasCounting = enabled.Value && (nvic.ReadDoubleWord(DebugExceptionAndMonitorControl) & TraceEnable) != 0;
            return (uint)(ulong)cycles;
        }

        private double cycles;
        private double countedUntil;
        private bool wasCounting;
        private uint frequency;

        private readonly CortexM3_NVIC nvic;
        private readonly IFlagRegisterField enabled;

        private const uint Comparators = 4;
        private const long DebugExceptionAndMonitorControl = 0xDFC;
        private const uint TraceEnable = 1 << 24;

        private enum Registers
        {
            Control = 0x0,
            CycleCount = 0x4,
        }
    }
}
