// The window watchdog, RM0008 chapter 20. Its counter always runs; once activated, it resets the chip when bit 6
// falls, or when the program feeds it above the window.

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Miscellaneous;

namespace Antmicro.Renode.Peripherals.Timers
{
    public class STM32F103_WWDG : STM32F103_Peripheral, IClockedByBus
    {
        public STM32F103_WWDG(IMachine machine, STM32F103_RCC rcc) : base(machine)
        {
            this.rcc = rcc;
            alarm = new Alarm(machine, this, "event", Due);
        }

        public override void Reset()
        {
            alarm.Cancel();
            isActive = false;
            start = Full;
            configuration = Full;
            earlyWakeUp = false;
            startedAt = machine.Now();
            IRQ.Set(false);
        }

        public uint BusFrequency
        {
            set
            {
                start = Counter;
                startedAt = machine.Now();
                frequency = value;
                Plan();
            }
        }

        public override uint ReadDoubleWord(long offset)
        {
            switch(offset)
            {
            case 0: return Counter | (isActive ? Activate : 0);
            case 4: return configuration;
            case 8: return earlyWakeUp ? 1u : 0;
            default: return 0;
            }
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            switch(offset)
            {
            case 0:
                if(isActive && Counter > (configuration & Full))
                {
                    Bite("fed too early");
                    return;
                }
                isActive |= (value & Activate) != 0;
                start = value & Full;
                startedAt = machine.Now();
                if(isActive && (start & Alive) == 0)
                {
                    Bite("written without bit T6");
                    return;
                }
                break;
            case 4:
                start = Counter;
                startedAt = machine.Now();
                configuration = (value & 0x3FF) | (configuration & EarlyWakeUpEnable);
                break;
            case 8:
                earlyWakeUp &= (value & 1) != 0;
                UpdateInterrupt();
                return;
            }
            UpdateInterrupt();
            Plan();
        }

        public GPIO IRQ { get; } = new GPIO();

        private void Due()
        {
            if(Counter < Alive || Counter > start)
            {
                Bite("not fed");
                return;
            }
            earlyWakeUp = true;
            UpdateInterrupt();
            if(isActive)
            {
                alarm.SetAt(startedAt + (start - Alive + 1) * Step);
            }
        }

        // The next is the early wake-up at 0x40, then the reset one step later.
        private void Plan()
        {
            if(frequency == 0 || start < Alive)
            {
                alarm.Cancel();
            }
            else
            {
                alarm.SetAt(startedAt + (start - Alive) * Step);
            }
        }

        private void Bite(string why)
        {
            this.Log(LogLevel.Warning, "The window watchdog was {0}: reset.", why);
            rcc.RequestReset(STM32F103_RCC.ResetCause.WindowWatchdog);
        }

        private void UpdateInterrupt()
        {
            IRQ.Set(earlyWakeUp && (configuration & EarlyWakeUpEnable) != 0);
        }

        private uint Counter => frequency == 0 ? start : (start - (uint)(long)((machine.Now() - startedAt) / Step + 1e-6)) & Full;

        // In ns.
        private double Step => 4096e9 * (1u << (int)(configuration >> 7 & 3)) / frequency;

        private bool isActive;
        private bool earlyWakeUp;
        private uint start = Full;
        private uint configuration = Full;
        private uint frequency;
        private double startedAt;

        private readonly STM32F103_RCC rcc;
        private readonly Alarm alarm;

        private const uint Full = 0x7F;
        private const uint Alive = 0x40;
        private const uint Activate = 1 << 7; // of CR
        private const uint EarlyWakeUpEnable = 1 << 9; // of CFR
    }
}
