// Power control, RM0008 chapter 5: the lock of the backup domain, stop and standby, and the supply monitor.

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.GPIOPort;
using Antmicro.Renode.Peripherals.IRQControllers;
using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class STM32F103_PWR : STM32F103_Peripheral, IGPIOReceiver
    {
        public STM32F103_PWR(IMachine machine, CortexM cpu, CortexM3_NVIC nvic, STM32F103_RCC rcc, STM32F103_GPIO wakeUpPort) : base(machine)
        {
            this.cpu = cpu;
            this.nvic = nvic;
            this.rcc = rcc;
            standby = new Alarm(machine, this, "standby", () => { cpu.IsHalted = true; });
            cpu.AddHookAtWfiStateChange(SleepChanged);
            wakeUpPort.PinChanged += pin =>
            {
                var level = wakeUpPort.Level(0);
                if(pin == 0 && level && !wakeUpLevel && (status & WakeUpPinEnable) != 0)
                {
                    WakeUp();
                }
                wakeUpLevel = pin == 0 ? level : wakeUpLevel;
            };
            rcc.PowerLost += () => status = 0;
        }

        public override void Reset()
        {
            standby.Cancel();
            isInStandby = false;
            control = 0;
            rcc.BackupIsWritable = false;
            rcc.IsStopped = false;
            UpdateSupply();
        }

        // The RTC's alarm.
        public void OnGPIO(int number, bool value)
        {
            if(value)
            {
                WakeUp();
            }
        }

        public override uint ReadDoubleWord(long offset) => offset == 0 ? control : offset == 4 ? status | (supplyIsLow ? SupplyLow : 0) : 0;

        public override void WriteDoubleWord(long offset, uint value)
        {
            if(offset == 0)
            {
                status &= ~((value & 0xC) >> 2); // CWUF and CSBF
                control = value & 0x1F3;
                rcc.BackupIsWritable = (value & BackupWritable) != 0;
                UpdateSupply();
            }
            else if(offset == 4)
            {
                status = (status & ~WakeUpPinEnable) | (value & WakeUpPinEnable);
            }
        }

        // What the supply monitor compares with its threshold.
        public uint SupplyMillivolts
        {
            get => supply;
            set
            {
                supply = value;
                UpdateSupply();
            }
        }

        // To line 16 of the external interrupts.
        public GPIO SupplyMonitor { get; } = new GPIO();

        private void UpdateSupply()
        {
            supplyIsLow = (control & MonitorEnable) != 0 && supply < 2200 + 100 * (control >> 5 & 7);
            SupplyMonitor.Set(supplyIsLow);
        }

        private void SleepChanged(bool sleeps)
        {
            if(!sleeps)
            {
                if(rcc.IsStopped)
                {
                    rcc.IsStopped = false;
                    nvic.WriteDoubleWord(SysTickControl, sysTick);
                }
                return;
            }
            if((nvic.ReadDoubleWord(SystemControl) & SleepDeep) == 0)
            {
                return;
            }
            var isStandby = (control & PowerDown) != 0;
            if(isStandby && (status & WakeUpFlag) != 0)
            {
                return; // it wakes at once
            }
            sysTick = nvic.ReadDoubleWord(SysTickControl);
            nvic.WriteDoubleWord(SysTickControl, sysTick & ~1u);
            rcc.IsStopped = true;
            if(isStandby)
            {
                isInStandby = true;
                standby.SetIn(0);
            }
        }

        // Out of standby the chip starts as after a reset, and SRAM is lost, 5.3.5.
        private void WakeUp()
        {
            status |= WakeUpFlag;
            if(isInStandby)
            {
                status |= StandbyFlag;
                rcc.LeaveStandby();
            }
        }

        private uint control;
        private uint status;
        private uint supply = 3300;
        private bool supplyIsLow;
        private bool isInStandby;
        private bool wakeUpLevel;

        private uint sysTick;

        private readonly CortexM cpu;
        private readonly CortexM3_NVIC nvic;
        private readonly STM32F103_RCC rcc;
        private readonly Alarm standby;

        private const long SysTickControl = 0x010; // of the NVIC's page
        private const long SystemControl = 0xD10;
        private const uint SleepDeep = 1 << 2; // of SCR
        private const uint PowerDown = 1 << 1; // of CR
        private const uint MonitorEnable = 1 << 4;
        private const uint BackupWritable = 1 << 8;
        private const uint WakeUpFlag = 1 << 0; // of CSR
        private const uint StandbyFlag = 1 << 1;
        private const uint SupplyLow = 1 << 2;
        private const uint WakeUpPinEnable = 1 << 8;
    }
}
