// The real-time clock, RM0008 chapter 18: a prescaler and a 32-bit counter of the backup domain, which outlive a reset.
// Registers are written in configuration mode, and a write takes three clocks to arrive (18.3.4).

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Miscellaneous;

namespace Antmicro.Renode.Peripherals.Timers
{
    public class STM32F103_RTC : STM32F103_Peripheral
    {
        public STM32F103_RTC(IMachine machine, STM32F103_RCC rcc) : base(machine)
        {
            this.rcc = rcc;
            second = new Alarm(machine, this, "second", Tick);
            update = new Alarm(machine, this, "update", () => { });
            synchronisation = new Alarm(machine, this, "synchronisation", () => flags |= Synchronised);
            rcc.BackupReset += ResetBackup;
            rcc.RtcClockChanged += () =>
            {
                second.Cancel();
                if(rcc.RtcFrequency != 0)
                {
                    synchronisation.SetIn(2 * Period);
                    StartSecond(0);
                }
            };
            ResetBackup();
        }

        public override void Reset()
        {
            interruptEnables = 0;
            flags &= ~Synchronised;
            isConfigured = false;
            if(rcc.RtcFrequency != 0)
            {
                synchronisation.SetIn(2 * Period);
            }
            Update();
        }

        public override uint ReadDoubleWord(long offset)
        {
            switch(offset)
            {
            case 0x00: return interruptEnables;
            case 0x04: return flags | (isConfigured ? Configuration : 0) | (rcc.RtcFrequency != 0 && !update.IsSet ? Finished : 0);
            case 0x10: return Divider >> 16;
            case 0x14: return Divider & 0xFFFF;
            case 0x18: return counter >> 16;
            case 0x1C: return counter & 0xFFFF;
            default: return 0; // PRL and ALR are write-only
            }
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            if(offset != 0x04 && offset != 0x00 && !isConfigured)
            {
                this.Log(LogLevel.Error, "Offset 0x{0:X} of the RTC was written outside the configuration mode: the write is lost.", offset);
                return;
            }
            if(!rcc.BackupIsWritable)
            {
                this.Log(LogLevel.Error, "The RTC was written while PWR_CR.DBP is clear: the write is lost.");
                return;
            }
            if(update.IsSet && offset != 0x04)
            {
                this.Log(LogLevel.Error, "The RTC was written while the last write is still on its way.");
            }
            value &= 0xFFFF;
            switch(offset)
            {
            case 0x00:
                interruptEnables = value & 7;
                break;
            case 0x04:
                flags &= value | ~0xFu;
                var configures = (value & Configuration) != 0;
                if(isConfigured && !configures && rcc.RtcFrequency != 0)
                {
                    update.SetIn(3 * Period);
                    StartSecond(3 * Period);
                }
                isConfigured = configures;
                break;
            case 0x08:
                prescaler = (prescaler & 0xFFFF) | (value & 0xF) << 16;
                break;
            case 0x0C:
                prescaler = (prescaler & 0xF0000) | value;
                break;
            case 0x18:
                counter = (counter & 0xFFFF) | value << 16;
                break;
            case 0x1C:
                counter = (counter & 0xFFFF0000) | value;
                break;
            case 0x20:
                alarm = (alarm & 0xFFFF) | value << 16;
                break;
            case 0x24:
                alarm = (alarm & 0xFFFF0000) | value;
                break;
            }
            Update();
        }

        public GPIO IRQ { get; } = new GPIO();

        // To line 17 of the external interrupts, and out of standby.
        public GPIO AlarmLine { get; } = new GPIO();

        private void ResetBackup()
        {
            prescaler = 0x8000;
            counter = 0;
            alarm = uint.MaxValue;
            flags = 0;
            second.Cancel();
        }

        private void StartSecond(double delay)
        {
            secondStarts = machine.Now() + delay;
            second.SetAt(secondStarts + (prescaler + 1) * Period);
        }

        private void Tick()
        {
            if(isConfigured)
            {
                StartSecond(0);
                return;
            }
            secondStarts += (prescaler + 1) * Period;
            counter++;
            flags |= Second | (counter == 0 ? Overflow : 0);
            second.SetAt(secondStarts + (prescaler + 1) * Period);
            if(counter == alarm)
            {
                flags |= AlarmFlag;
                AlarmLine.Set(true);
                AlarmLine.Set(false);
            }
            Update();
        }

        private void Update()
        {
            IRQ.Set((flags & interruptEnables & 7) != 0);
        }

        // In ns.
        private double Period => 1e9 / rcc.RtcFrequency;

        private uint Divider
        {
            get
            {
                if(rcc.RtcFrequency == 0)
                {
                    return prescaler;
                }
                var passed = (machine.Now() - secondStarts) / Period;
                return passed < 0 || passed > prescaler ? prescaler : prescaler - (uint)passed;
            }
        }

        private uint interruptEnables;
        private uint flags;
        private bool isConfigured;
        private uint prescaler;
        private uint counter;
        private uint alarm;
        private double secondStarts;

        private readonly STM32F103_RCC rcc;
        private readonly Alarm second;
        private readonly Alarm update;
        private readonly Alarm synchronisation;

        private const uint Second = 1 << 0; // of CRL
        private const uint AlarmFlag = 1 << 1;
        private const uint Overflow = 1 << 2;
        private const uint Synchronised = 1 << 3;
        private const uint Configuration = 1 << 4;
        private const uint Finished = 1 << 5;
    }
}
