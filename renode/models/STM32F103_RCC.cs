// Reset and clock control of the STM32F103, RM0008 chapter 7: oscillators, PLL, system clock, peripheral clocks and
// reset flags. It is as strict as the silicon: a clock that is not ready is never switched to, and what the manual
// forbids is logged as an error, which fails a test.

using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.IRQControllers;
using Antmicro.Renode.Peripherals.Memory;
using Antmicro.Renode.Peripherals.MTD;
using Antmicro.Renode.Peripherals.UART;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class STM32F103_RCC : BasicDoubleWordPeripheral, IKnownSize
    {
        public STM32F103_RCC(IMachine machine, CortexM cpu, NVIC nvic, STM32F103_Flash flash, STM32F103_USART usart1,
            IPeripheral gpioPortA, IPeripheral gpioPortC, MappedMemory sram) : base(machine)
        {
            this.sram = sram;
            this.cpu = cpu;
            this.nvic = nvic;
            this.flash = flash;
            this.usart1 = usart1;
            gatedByApb2 = new Dictionary<int, IPeripheral> { { 2, gpioPortA }, { 4, gpioPortC }, { 14, usart1 } };
            DefineRegisters();
            // The cause of a reset is known only to the one who asks for it: firmware asks through AIRCR.SYSRESETREQ.
            machine.SystemBus.AddWatchpointHook(ApplicationInterruptAndResetControl, SysbusAccessWidth.DoubleWord,
                Access.Write, (_, __, ___, value) =>
                {
                    if((value & SystemResetRequest) != 0)
                    {
                        resetCause = ResetCause.Software;
                    }
                });
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            if(resetCause == ResetCause.PowerOn)
            {
                sram.SetRange(0, sram.Size, LostMemory);
            }
            resetFlags |= ResetCause.Pin | resetCause; // the chip pulls its own reset pin, 7.1.1
            resetCause = ResetCause.Watchdog; // of the causes that do not announce themselves, this is the modelled one
            systemClock = ClockSource.Internal;
            crystalFailed = false;
            cpu.IsHalted = false;
            UpdateClocks();
            foreach(var peripheral in gatedByApb2.Values)
            {
                machine.SystemBus.SetPeripheralEnabled(peripheral, false);
            }
        }

        // The reset button: what NRST does.
        public void PressReset()
        {
            resetCause = ResetCause.Pin;
            machine.RequestReset();
        }

        // Power that goes away and comes back.
        public void CyclePower()
        {
            resetCause = ResetCause.PowerOn;
            machine.RequestReset();
        }

        public long Size => 0x400;

        // Whether the 8 MHz crystal swings: false before the start is a dead one, false later one that stops.
        public bool CrystalSwings
        {
            get => crystalSwings;
            set
            {
                crystalSwings = value;
                if(!value && DependsOnCrystal(systemClock))
                {
                    LoseCrystal();
                }
            }
        }

        // Whether the PLL locks once it is on.
        public bool PllLocks { get; set; } = true;

        private void DefineRegisters()
        {
            Registers.ClockControl.Define(this, 0x83)
                .WithFlag(0, out internalOn, changeCallback: (_, value) =>
                {
                    if(!value && (systemClock == ClockSource.Internal || (pllOn.Value && !pllFromCrystal.Value)))
                    {
                        internalOn.Value = true; // hardware keeps what runs the system, 7.3.1
                    }
                }, name: "HSION")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => internalOn.Value, name: "HSIRDY")
                .WithReservedBits(2, 1)
                .WithValueField(3, 5, name: "HSITRIM")
                .WithValueField(8, 8, FieldMode.Read, name: "HSICAL")
                .WithFlag(16, out crystalOn, changeCallback: (_, value) =>
                {
                    if(!value && DependsOnCrystal(systemClock))
                    {
                        crystalOn.Value = true;
                    }
                }, name: "HSEON")
                .WithFlag(17, FieldMode.Read, valueProviderCallback: _ => CrystalReady, name: "HSERDY")
                .WithFlag(18, name: "HSEBYP")
                .WithFlag(19, out securityOn, name: "CSSON")
                .WithReservedBits(20, 4)
                .WithFlag(24, out pllOn, changeCallback: (_, value) =>
                {
                    if(!value && systemClock == ClockSource.Pll)
                    {
                        pllOn.Value = true;
                    }
                }, name: "PLLON")
                .WithFlag(25, FieldMode.Read, valueProviderCallback: _ => PllReady, name: "PLLRDY")
                .WithReservedBits(26, 6)
                .WithWriteCallback((_, __) => UpdateClocks());

            Registers.ClockConfiguration.Define(this)
                .WithEnumField(0, 2, out requestedClock, name: "SW")
                .WithEnumField<DoubleWordRegister, ClockSource>(2, 2, FieldMode.Read, valueProviderCallback: _ => systemClock, name: "SWS")
                .WithValueField(4, 4, out ahbPrescaler, name: "HPRE")
                .WithValueField(8, 3, out apb1Prescaler, name: "PPRE1")
                .WithValueField(11, 3, out apb2Prescaler, name: "PPRE2")
                .WithValueField(14, 2, name: "ADCPRE")
                .WithFlag(16, out pllFromCrystal, changeCallback: (old, __) => KeepWhilePllRuns(pllFromCrystal, old), name: "PLLSRC")
                .WithFlag(17, out pllHalvesCrystal, changeCallback: (old, __) => KeepWhilePllRuns(pllHalvesCrystal, old), name: "PLLXTPRE")
                .WithValueField(18, 4, out pllMultiplier, changeCallback: (old, __) =>
                {
                    if(pllOn.Value)
                    {
                        this.Log(LogLevel.Error, "PLLMUL was written while the PLL was on: 7.3.2 forbids it.");
                        pllMultiplier.Value = old;
                    }
                }, name: "PLLMUL")
                .WithFlag(22, name: "USBPRE")
                .WithReservedBits(23, 1)
                .WithValueField(24, 3, name: "MCO")
                .WithReservedBits(27, 5)
                .WithWriteCallback((_, __) => UpdateClocks());

            Registers.ClockInterrupt.Define(this)
                .WithReservedBits(0, 7)
                .WithFlag(7, FieldMode.Read, valueProviderCallback: _ => crystalFailed, name: "CSSF")
                .WithReservedBits(8, 15)
                .WithFlag(23, FieldMode.Write, writeCallback: (_, value) => crystalFailed &= !value, name: "CSSC")
                .WithReservedBits(24, 8);
            Registers.Apb2Reset.Define(this).WithValueField(0, 32);
            Registers.Apb1Reset.Define(this).WithValueField(0, 32);
            Registers.AhbEnable.Define(this, 0x14).WithValueField(0, 32);
            Registers.Apb2Enable.Define(this)
                .WithValueField(0, 32, writeCallback: (_, value) =>
                {
                    foreach(var gated in gatedByApb2)
                    {
                        machine.SystemBus.SetPeripheralEnabled(gated.Value, (value >> gated.Key & 1) != 0);
                    }
                });
            Registers.Apb1Enable.Define(this).WithValueField(0, 32);
            Registers.BackupDomainControl.Define(this).WithValueField(0, 32);
            Registers.ControlStatus.Define(this)
                .WithFlag(0, out lowSpeedOn, name: "LSION")
                .WithFlag(1, FieldMode.Read, valueProviderCallback: _ => lowSpeedOn.Value, name: "LSIRDY")
                .WithReservedBits(2, 22)
                .WithFlag(24, FieldMode.Write, writeCallback: (_, value) =>
                {
                    if(value)
                    {
                        resetFlags = ResetCause.None;
                    }
                }, name: "RMVF")
                .WithReservedBits(25, 1)
                .WithValueField(26, 6, FieldMode.Read, valueProviderCallback: _ => (ulong)resetFlags, name: "reset flags");
        }

        private void KeepWhilePllRuns(IFlagRegisterField field, bool old)
        {
            if(pllOn.Value)
            {
                this.Log(LogLevel.Error, "The PLL's input was changed while the PLL was on: 7.3.2 forbids it.");
                field.Value = old;
            }
        }

        private bool DependsOnCrystal(ClockSource source)
        {
            return source == ClockSource.Crystal || (source == ClockSource.Pll && pllFromCrystal.Value);
        }

        // The clock security system saves the chip with the internal oscillator and an NMI, 7.2.7. Without it the
        // processor has no clock any more; the watchdog, which has one of its own, still counts.
        private void LoseCrystal()
        {
            if(!securityOn.Value)
            {
                this.Log(LogLevel.Warning, "The crystal stopped, and the processor with it.");
                cpu.IsHalted = true;
                return;
            }
            this.Log(LogLevel.Warning, "The crystal stopped: the internal oscillator takes over.");
            crystalOn.Value = false;
            pllOn.Value = false;
            crystalFailed = true;
            requestedClock.Value = ClockSource.Internal;
            UpdateClocks();
            nvic.SetPendingIRQ(NonMaskableInterrupt);
        }

        // The switch waits until the requested clock is ready, 7.2.6.
        private void UpdateClocks()
        {
            if(IsReady(requestedClock.Value))
            {
                systemClock = requestedClock.Value;
            }
            var hclk = Frequency(systemClock) / AhbDivider(ahbPrescaler.Value);
            var pclk1 = hclk / ApbDivider(apb1Prescaler.Value);
            var pclk2 = hclk / ApbDivider(apb2Prescaler.Value);
            CheckLimits(hclk, pclk1);
            cpu.PerformanceInMips = hclk / CyclesAMillionInstructions;
            nvic.Frequency = hclk;
            usart1.Frequency = pclk2;
        }

        private void CheckLimits(uint hclk, uint pclk1)
        {
            var waitStates = hclk <= 24000000 ? 0UL : hclk <= 48000000 ? 1UL : 2UL;
            if(hclk > 72000000)
            {
                this.Log(LogLevel.Error, "The system clock is {0} Hz; the chip bears 72 MHz.", hclk);
            }
            if(pclk1 > 36000000)
            {
                this.Log(LogLevel.Error, "APB1 runs at {0} Hz; it bears 36 MHz.", pclk1);
            }
            if(flash.WaitStates < waitStates)
            {
                this.Log(LogLevel.Error, "The flash has {0} wait states at {1} Hz and needs {2}.", flash.WaitStates, hclk, waitStates);
            }
        }

        private bool IsReady(ClockSource source)
        {
            switch(source)
            {
            case ClockSource.Internal: return internalOn.Value;
            case ClockSource.Crystal: return CrystalReady;
            case ClockSource.Pll: return PllReady;
            default: return false;
            }
        }

        private uint Frequency(ClockSource source)
        {
            return source == ClockSource.Pll ? PllFrequency : OscillatorFrequency;
        }

        private static uint AhbDivider(ulong field)
        {
            // 8 to 11 stand for 2 to 16, 12 to 15 for 64 to 512: there is no 32
            return field < 8 ? 1u : field < 12 ? 2u << (int)(field - 8) : 64u << (int)(field - 12);
        }

        private static uint ApbDivider(ulong field)
        {
            return field < 4 ? 1u : 2u << (int)(field - 4);
        }

        private uint PllFrequency
        {
            get
            {
                var input = pllFromCrystal.Value && !pllHalvesCrystal.Value ? OscillatorFrequency : OscillatorFrequency / 2;
                var factor = pllMultiplier.Value >= 14 ? 16u : (uint)pllMultiplier.Value + 2;
                return input * factor;
            }
        }

        private bool CrystalReady => crystalOn.Value && crystalSwings;

        private bool PllReady => pllOn.Value && PllLocks && (pllFromCrystal.Value ? CrystalReady : internalOn.Value);

        private bool crystalSwings = true;
        private bool crystalFailed;
        private ClockSource systemClock;
        private ResetCause resetCause = ResetCause.PowerOn;
        private ResetCause resetFlags;

        private IFlagRegisterField internalOn;
        private IFlagRegisterField crystalOn;
        private IFlagRegisterField securityOn;
        private IFlagRegisterField pllOn;
        private IFlagRegisterField pllFromCrystal;
        private IFlagRegisterField pllHalvesCrystal;
        private IFlagRegisterField lowSpeedOn;
        private IEnumRegisterField<ClockSource> requestedClock;
        private IValueRegisterField ahbPrescaler;
        private IValueRegisterField apb1Prescaler;
        private IValueRegisterField apb2Prescaler;
        private IValueRegisterField pllMultiplier;

        private readonly CortexM cpu;
        private readonly NVIC nvic;
        private readonly MappedMemory sram;
        private readonly STM32F103_Flash flash;
        private readonly STM32F103_USART usart1;
        private readonly Dictionary<int, IPeripheral> gatedByApb2; // by bit of APB2ENR, 7.3.7

        private const byte LostMemory = 0xA5; // what SRAM holds after the power was away: anything but zeros
        private const int NonMaskableInterrupt = 2;
        private const uint CyclesAMillionInstructions = 1800000; // the default network takes 1.80 cycles an instruction
        private const uint OscillatorFrequency = 8000000; // the internal one and the crystal alike
        private const ulong ApplicationInterruptAndResetControl = 0xE000ED0C;
        private const ulong SystemResetRequest = 1 << 2;

        private enum ClockSource
        {
            Internal = 0,
            Crystal = 1,
            Pll = 2,
        }

        // Bits 26 to 31 of RCC_CSR, 7.3.10.
        private enum ResetCause
        {
            None = 0,
            Pin = 1 << 0,
            PowerOn = 1 << 1,
            Software = 1 << 2,
            Watchdog = 1 << 3,
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
