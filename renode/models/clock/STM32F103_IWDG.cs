// The independent watchdog, RM0008 chapter 19: it counts LSI clocks from the moment it is started, and writes to PR and
// RLR take five of them to arrive (19.4.4). DBGMCU's freeze is not modelled.

using System;

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Miscellaneous;

namespace Antmicro.Renode.Peripherals.Timers
{
    public class STM32F103_IWDG : STM32F103_Peripheral
    {
        public STM32F103_IWDG(IMachine machine, STM32F103_RCC rcc) : base(machine)
        {
            this.rcc = rcc;
            bite = new Alarm(machine, this, "bite", Bite);
            prescalerUpdate = new Alarm(machine, this, "prescaler update", () => UsePrescaler(prescaler.Value));
            reloadUpdate = new Alarm(machine, this, "reload update", () => reloadInUse = reload.Value);
            DefineRegisters();
        }

        public override void Reset()
        {
            base.Reset();
            unlocked = false;
            started = false;
            dividerInUse = SmallestDivider;
            reloadInUse = reload.Value;
            bite.Cancel();
            prescalerUpdate.Cancel();
            reloadUpdate.Cancel();
        }

        private void DefineRegisters()
        {
            Registers.Key.Define(this)
                .WithValueField(0, 16, FieldMode.Write, writeCallback: (_, value) => WriteKey((uint)value), name: "KEY")
                .WithReservedBits(16, 16);
            Registers.Prescaler.Define(this)
                .WithValueField(0, 3, out prescaler, writeCallback: (old, value) => prescaler.Value = Update(prescalerUpdate, old, value, "PR"), name: "PR")
                .WithReservedBits(3, 29);
            Registers.Reload.Define(this, 0xFFF)
                .WithValueField(0, 12, out reload, writeCallback: (old, value) => reload.Value = Update(reloadUpdate, old, value, "RLR"), name: "RL")
                .WithReservedBits(12, 20);
            Registers.Status.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => prescalerUpdate.IsSet, name: "PVU")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => reloadUpdate.IsSet, name: "RVU")
                .WithReservedBits(2, 30);
        }

        private void WriteKey(uint key)
        {
            unlocked = key == UnlockKey;
            if(key == StartKey && !started)
            {
                started = true;
                rcc.ForceLowSpeedOscillator();
            }
            if(key == StartKey || key == FeedKey)
            {
                Count();
            }
        }

        // Down from the reload value.
        private void Count()
        {
            if(started)
            {
                bite.SetIn((reloadInUse + 1) * dividerInUse * LowSpeedPeriod);
            }
        }

        private void UsePrescaler(ulong value)
        {
            dividerInUse = Math.Min(SmallestDivider << (int)value, LargestDivider);
            Count();
        }

        private void Bite()
        {
            this.Log(LogLevel.Warning, "The watchdog was not fed: reset.");
            rcc.RequestReset(STM32F103_RCC.ResetCause.Watchdog);
        }

        private ulong Update(Alarm update, ulong old, ulong value, string name)
        {
            if(!unlocked)
            {
                this.Log(LogLevel.Error, "{0} was written without the key.", name);
                return old;
            }
            if(update.IsSet)
            {
                this.Log(LogLevel.Error, "{0} was written while the last write is still on its way.", name);
                return old;
            }
            update.SetIn(UpdateClocks * LowSpeedPeriod);
            return value;
        }

        // In ns.
        private double LowSpeedPeriod => 1e9 / rcc.LowSpeedFrequency;

        private bool unlocked;
        private bool started;
        private ulong dividerInUse = SmallestDivider;
        private ulong reloadInUse = 0xFFF;
        private IValueRegisterField prescaler;
        private IValueRegisterField reload;

        private readonly STM32F103_RCC rcc;
        private readonly Alarm bite;
        private readonly Alarm prescalerUpdate;
        private readonly Alarm reloadUpdate;

        private const uint UnlockKey = 0x5555;
        private const uint FeedKey = 0xAAAA;
        private const uint StartKey = 0xCCCC;
        private const double UpdateClocks = 5;
        private const ulong SmallestDivider = 4;
        private const ulong LargestDivider = 256;

        private enum Registers
        {
            Key = 0x0,
            Prescaler = 0x4,
            Reload = 0x8,
            Status = 0xC,
        }
    }
}
