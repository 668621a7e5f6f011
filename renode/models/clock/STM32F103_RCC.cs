// Reset and clock control, RM0008 chapter 7: oscillators with their start-up times, PLL, system clock, peripheral
// clocks and resets, and reset flags. A clock that is not ready is never switched to. What the manual forbids is
// logged as an error, which fails a test.

using System;

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.IRQControllers;
using Antmicro.Renode.Peripherals.Memory;
using Antmicro.Renode.Peripherals.MTD;
using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public partial class STM32F103_RCC : STM32F103_Peripheral
    {
        public STM32F103_RCC(IMachine machine, CortexM cpu, CortexM3_NVIC nvic, CortexM3_DWT dwt, STM32F103_Flash flash,
            STM32F103_DBGMCU debug, MappedMemory sram) : base(machine)
        {
            this.cpu = cpu;
            this.nvic = nvic;
            this.dwt = dwt;
            this.flash = flash;
            this.debug = debug;
            this.sram = sram;
            gates = new PeripheralGates(machine);
            internalOscillator = new Oscillator(machine, this, "HSI", 2e3, () => BecameReady(InternalReady));
            crystal = new Oscillator(machine, this, "HSE", 2e6, () => BecameReady(CrystalReady));
            pll = new Oscillator(machine, this, "PLL", 2e5, () => BecameReady(PllReady));
            lowSpeed = new Oscillator(machine, this, "LSI", 85e3, () => BecameReady(LowSpeedReady));
            lowSpeedCrystal = new Oscillator(machine, this, "LSE", LowSpeedCrystalStartUp, () => BecameReady(LowSpeedCrystalReady));
            slowBusOverclocked = new Alarm(machine, this, "APB1 overclocked", () =>
                this.Log(LogLevel.Error, "APB1 has run at {0} Hz for a millisecond; it bears 36 MHz.", pclk1));
            DefineRegisters();
            flash.AccessControlChanged += CheckLimits;
            nvic.SystemResetRequested += () => resetCause = ResetCause.Software;
            ResetClocks();
        }

        public override void Reset()
        {
            if(resetCause == ResetCause.PowerOn)
            {
                debug.PowerOnReset();
                PowerLost?.Invoke();
                ResetBackup();
            }
            if(resetCause == ResetCause.PowerOn || resetCause == ResetCause.None)
            {
                sram.ZeroRange(0, sram.Size); // to the description's ResetByte
            }
            ResetClocks();
        }

        // The reset button: what NRST does.
        public void PressReset() => RequestReset(ResetCause.Pin);

        // Power that goes away and comes back.
        public void CyclePower() => RequestReset(ResetCause.PowerOn);

        public void RequestReset(ResetCause cause)
        {
            resetCause = cause;
            machine.RequestReset();
        }

        // What the independent watchdog does when it starts, 19.3.
        public void ForceLowSpeedOscillator()
        {
            lowSpeedIsForced = true;
            lowSpeed.IsOn = true;
        }

        // Whether the crystal swings: false before the start is a dead one, false later one that stops.
        public bool CrystalSwings
        {
            get => crystal.Works;
            set
            {
                crystal.Works = value;
                UpdateClocks();
                if(!value && DependsOnCrystal(systemClock))
                {
                    LoseCrystal();
                }
            }
        }

        // Whether the PLL locks once it is on.
        public bool PllLocks { get; set; } = true;

        // In Hz, as those below: what the board's crystal is.
        public uint CrystalFrequency { get; set; } = 8000000;

        // 7.8 to 8.2 MHz on silicon, at HSITRIM's reset value.
        public uint InternalFrequency
        {
            get => internalFrequency;
            set
            {
                internalFrequency = value;
                UpdateClocks();
            }
        }

        // 30 to 60 kHz on silicon.
        public uint LowSpeedFrequency { get; set; } = 40000;

        // The clock of the USB in Hz: the PLL's, or two thirds of it.
        public uint UsbFrequency => !pll.IsReady ? 0 : usbIsPll.Value ? PllFrequency : PllFrequency / 3 * 2;

        // The clock of the converters in Hz.
        public uint ConverterFrequency => pclk2 / (2 * ((uint)converterPrescaler.Value + 1));

        public GPIO IRQ { get; } = new GPIO();

        private void ResetClocks()
        {
            base.Reset();
            // The chip pulls its own reset pin, 7.1.1, but not when it leaves standby.
            resetFlags |= resetCause == ResetCause.None ? ResetCause.None : ResetCause.Pin | resetCause;
            resetCause = ResetCause.Pin;
            systemClock = ClockSource.Internal;
            crystalFailed = false;
            readyFlags = 0;
            internalOscillator.Reset(true);
            crystal.Reset(false);
            pll.Reset(false);
            lowSpeed.Reset(false);
            lowSpeedIsForced = false;
            slowBusOverclocked.Cancel();
            isStopped = false;
            gates.IsStopped = false;
            cpu.IsHalted = false;
            gates.Reset();
            UpdateClocks();
        }

        private void DefineRegisters()
        {
            Registers.ClockControl.Define(this, 0x4A83)
                .WithFlag(0, valueProviderCallback: _ => internalOscillator.IsOn, writeCallback: (_, value) =>
                    // hardware keeps what runs the system, 7.3.1
                    internalOscillator.IsOn = value || systemClock == ClockSource.Internal || (pll.IsOn && !pllFromCrystal.Value), name: "HSION")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => internalOscillator.IsReady, name: "HSIRDY")
                .WithReservedBits(2, 1)
                .WithValueField(3, 5, out trim, name: "HSITRIM")
                .WithValueField(8, 8, FieldMode.Read, name: "HSICAL")
                .WithFlag(16, valueProviderCallback: _ => crystal.IsOn, writeCallback: (_, value) =>
                    crystal.IsOn = value || DependsOnCrystal(systemClock), name: "HSEON")
                .WithFlag(17, FieldMode.Read, valueProviderCallback: _ => crystal.IsReady, name: "HSERDY")
                .WithFlag(18, name: "HSEBYP")
                .WithFlag(19, out securityOn, name: "CSSON")
                .WithReservedBits(20, 4)
                .WithFlag(24, valueProviderCallback: _ => pll.IsOn, writeCallback: (_, value) =>
                    pll.IsOn = value || systemClock == ClockSource.Pll, name: "PLLON")
                .WithFlag(25, FieldMode.Read, valueProviderCallback: _ => pll.IsReady, name: "PLLRDY")
                .WithReservedBits(26, 6)
                .WithWriteCallback((_, __) => UpdateClocks());

            Registers.ClockConfiguration.Define(this)
                .WithEnumField(0, 2, out requestedClock, name: "SW")
                .WithEnumField<DoubleWordRegister, ClockSource>(2, 2, FieldMode.Read, valueProviderCallback: _ => systemClock, name: "SWS")
                .WithValueField(4, 4, out ahbPrescaler, name: "HPRE")
                .WithValueField(8, 3, out apb1Prescaler, name: "PPRE1")
                .WithValueField(11, 3, out apb2Prescaler, name: "PPRE2")
                .WithValueField(14, 2, out converterPrescaler, name: "ADCPRE")
                .WithFlag(16, out pllFromCrystal, changeCallback: (old, value) => pllFromCrystal.Value = KeepWhilePllRuns(old, value, "PLLSRC"), name: "PLLSRC")
                .WithFlag(17, out pllHalvesCrystal, changeCallback: (old, value) => pllHalvesCrystal.Value = KeepWhilePllRuns(old, value, "PLLXTPRE"), name: "PLLXTPRE")
                .WithValueField(18, 4, out pllMultiplier, changeCallback: (old, value) => pllMultiplier.Value = KeepWhilePllRuns(old, value, "PLLMUL"), name: "PLLMUL")
                .WithFlag(22, out usbIsPll, name: "USBPRE")
                .WithReservedBits(23, 1)
                .WithValueField(24, 3, name: "MCO")
                .WithReservedBits(27, 5)
                .WithWriteCallback((_, __) => UpdateClocks());

            Registers.ClockInterrupt.Define(this)
                .WithValueField(0, 5, FieldMode.Read, valueProviderCallback: _ => readyFlags, name: "ready flags")
                .WithReservedBits(5, 2)
                .WithFlag(7, FieldMode.Read, valueProviderCallback: _ => crystalFailed, name: "CSSF")
                .WithValueField(8, 5, out readyInterruptsEnabled, name: "ready interrupt enables")
                .WithReservedBits(13, 3)
                .WithValueField(16, 5, FieldMode.Write, writeCallback: (_, value) => readyFlags &= ~(uint)value, name: "ready clears")
                .WithReservedBits(21, 2)
                .WithFlag(23, FieldMode.Write, writeCallback: (_, value) => crystalFailed &= !value, name: "CSSC")
                .WithReservedBits(24, 8)
                .WithWriteCallback((_, __) => IRQ.Set(readyFlags != 0));

            DefineGates(Registers.Apb2Reset, 0, Apb2Peripherals, value => gates.HoldInReset(ClockBus.Apb2, value));
            DefineGates(Registers.Apb1Reset, 0, Apb1Peripherals, value => gates.HoldInReset(ClockBus.Apb1, value));
            DefineGates(Registers.AhbEnable, 0x14, AhbPeripherals, value => gates.Enable(ClockBus.Ahb, value));
            DefineGates(Registers.Apb2Enable, 0, Apb2Peripherals, value => gates.Enable(ClockBus.Apb2, value));
            DefineGates(Registers.Apb1Enable, 0, Apb1Peripherals, value => gates.Enable(ClockBus.Apb1, value));

            DefineBackupRegister();

            Registers.ControlStatus.Define(this)
                .WithFlag(0, valueProviderCallback: _ => lowSpeed.IsOn, writeCallback: (_, value) => lowSpeed.IsOn = value || lowSpeedIsForced, name: "LSION")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => lowSpeed.IsReady, name: "LSIRDY")
                .WithReservedBits(2, 22)
                .WithFlag(24, FieldMode.Write, writeCallback: (_, value) => resetFlags = value ? ResetCause.None : resetFlags, name: "RMVF")
                .WithReservedBits(25, 1)
                .WithValueField(26, 6, FieldMode.Read, valueProviderCallback: _ => (ulong)resetFlags, name: "reset flags");
        }

        // implemented: the bits that keep what is written
        private void DefineGates(Registers register, uint resetValue, uint implemented, Action<uint> apply)
        {
            IValueRegisterField bits = null;
            register.Define(this, resetValue)
                .WithValueField(0, 32, out bits, writeCallback: (_, value) =>
                {
                    bits.Value = value & implemented;
                    apply((uint)bits.Value);
                });
        }

        private T KeepWhilePllRuns<T>(T old, T value, string name)
        {
            if(!pll.IsOn)
            {
                return value;
            }
            this.Log(LogLevel.Error, "{0} was written while the PLL was on: 7.3.2 forbids it.", name);
            return old;
        }

        private IFlagRegisterField securityOn;
        private IFlagRegisterField pllFromCrystal;
        private IFlagRegisterField pllHalvesCrystal;
        private IEnumRegisterField<ClockSource> requestedClock;
        private IValueRegisterField trim;
        private IValueRegisterField ahbPrescaler;
        private IValueRegisterField apb1Prescaler;
        private IValueRegisterField apb2Prescaler;
        private IValueRegisterField pllMultiplier;
        private IFlagRegisterField usbIsPll;
        private IValueRegisterField converterPrescaler;
        private IValueRegisterField readyInterruptsEnabled;

        private readonly CortexM cpu;
        private readonly CortexM3_NVIC nvic;
        private readonly CortexM3_DWT dwt;
        private readonly STM32F103_Flash flash;
        private readonly STM32F103_DBGMCU debug;
        private readonly MappedMemory sram;
        private readonly PeripheralGates gates;

        // What silicon keeps of the enable registers when all ones are written.
        private const uint AhbPeripherals = 0x00000055;
        private const uint Apb1Peripherals = 0x1AE64807;
        private const uint Apb2Peripherals = 0x00005E7D;

        // Bits 26 to 31 of RCC_CSR, 7.3.10.
        public enum ResetCause
        {
            None = 0, // out of standby
            Pin = 1 << 0,
            PowerOn = 1 << 1,
            Software = 1 << 2,
            Watchdog = 1 << 3,
            WindowWatchdog = 1 << 4,
            LowPower = 1 << 5,
        }

        private enum Registers
        {
            ClockControl = 0x00,
            ClockConfiguration = 0x04,
            ClockInterrupt = 0x08,
            Apb2Reset = 0x0C,
            Apb1Reset = 0x10,
            AhbEnable = 0x14,
            Apb2Enable = 0x18,
            Apb1Enable = 0x1C,
            BackupDomainControl = 0x20,
            ControlStatus = 0x24,
        }
    }
}
