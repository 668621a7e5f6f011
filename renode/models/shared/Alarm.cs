// Virtual time in nanoseconds, and a call at a moment of it.

using System;

using Antmicro.Renode.Core;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.Timers
{
    public class Alarm
    {
        // ring: runs once for each time the alarm is set
        public Alarm(IMachine machine, IPeripheral owner, string name, Action ring)
        {
            this.machine = machine;
            timer = new LimitTimer(machine.ClockSource, NanosecondsASecond, owner, name, limit: 1, workMode: WorkMode.OneShot,
                eventEnabled: true, autoUpdate: true);
            timer.LimitReached += ring;
        }

        public void SetIn(double nanoseconds)
        {
            timer.Limit = (ulong)Math.Max(1, Math.Ceiling(nanoseconds));
            timer.Enabled = true;
        }

        public void SetAt(double moment)
        {
            SetIn(moment - machine.Now());
        }

        public void Cancel()
        {
            if(IsSet)
            {
                timer.Enabled = false;
            }
        }

        public bool IsSet => timer.Enabled;

        public const uint NanosecondsASecond = 1000000000;

        private readonly IMachine machine;
        private readonly LimitTimer timer;
    }

    public static class VirtualTime
    {
        // The processor runs ahead of the clock; what it does now happens at the time that its instructions took.
        public static double Now(this IMachine machine)
        {
            if(machine.SystemBus.TryGetCurrentCPU(out var cpu))
            {
                cpu.SyncTime();
            }
            return machine.ClockSource.CurrentValue.Ticks;
        }
    }
}
