// No part of the chip: it keeps Renode 1.16.1 from sleeping while an interrupt of a peripheral is pending.
//
// After WFI Renode skips to the next event of its clock, and only then looks for interrupts. One that comes with that
// very instruction, or was pending before it and masked, waits until then: if that event is the arrival of the next
// character, the one before it is overrun. Silicon would not have slept at all. So while an interrupt line is high,
// there is an event every microsecond. (SysTick has no line to watch. It is late at times, and overruns nothing.)

using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class WakeUp : IPeripheral, IGPIOReceiver
    {
        public WakeUp(IMachine machine, CortexM cpu)
        {
            events = new LimitTimer(machine.ClockSource, 1000000, this, "events", limit: 1, eventEnabled: true);
            // A processor without a clock does not wake.
            events.LimitReached += () => events.Enabled = !cpu.IsHalted;
        }

        public void Reset()
        {
            pending = 0;
            events.Reset();
        }

        // The interrupt lines of the peripherals.
        public void OnGPIO(int number, bool value)
        {
            pending = value ? pending | 1ul << number : pending & ~(1ul << number);
            events.Enabled = pending != 0;
        }

        private ulong pending;

        private readonly LimitTimer events;
    }
}
