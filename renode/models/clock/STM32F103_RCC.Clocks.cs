// The clock tree of the STM32F103, RM0008 7.2 and figure 8.

using System;

using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public partial class STM32F103_RCC
    {
        private void BecameReady(uint flag)
        {
            if((readyInterruptsEnabled.Value & flag) != 0)
            {
                readyFlags |= flag;
                IRQ.Set(true);
            }
            UpdateClocks();
        }

        private bool DependsOnCrystal(ClockSource source)
        {
            return source == ClockSource.Crystal || (source == ClockSource.Pll && pllFromCrystal.Value);
        }

        // The clock security system saves the chip with the internal oscillator and an NMI, 7.2.7. Without it the
        // processor has no clock any more; the watchdog, which has another, still counts.
        private void LoseCrystal()
        {
            if(!securityOn.Value)
            {
                this.Log(LogLevel.Warning, "The crystal stopped, and the processor with it.");
                cpu.IsHalted = true;
                return;
            }
            this.Log(LogLevel.Warning, "The crystal stopped: the internal oscillator takes over.");
            crystal.IsOn = false;
            pll.IsOn = false;
            crystalFailed = true;
            requestedClock.Value = ClockSource.Internal;
            systemClock = ClockSource.Internal;
            UpdateClocks();
            nvic.SetPendingIRQ(NonMaskableInterrupt);
        }

        // The switch waits until the requested clock is ready, 7.2.6.
        private void UpdateClocks()
        {
            pll.Works = PllLocks && (pllFromCrystal.Value ? crystal.IsReady : internalOscillator.IsReady);
            if(IsReady(requestedClock.Value))
            {
                systemClock = requestedClock.Value;
            }
            var hclk = Frequency(systemClock) / AhbDivider(ahbPrescaler.Value);
            var pclk1 = hclk / ApbDivider(apb1Prescaler.Value);
            var pclk2 = hclk / ApbDivider(apb2Prescaler.Value);
            if(hclk != this.hclk)
            {
                this.hclk = hclk;
                cpu.PerformanceInMips = Math.Max(1, (hclk + CyclesAMillionInstructions / 2) / CyclesAMillionInstructions);
                nvic.Frequency = hclk;
                dwt.Frequency = hclk;
                gates.SetFrequency(ClockBus.Ahb, hclk, hclk);
            }
            var timers1 = TimerClock(pclk1, hclk);
            var timers2 = TimerClock(pclk2, hclk);
            if(pclk1 != this.pclk1 || timers1 != this.timers1)
            {
                this.pclk1 = pclk1;
                this.timers1 = timers1;
                gates.SetFrequency(ClockBus.Apb1, pclk1, timers1);
            }
            if(pclk2 != this.pclk2 || timers2 != this.timers2)
            {
                this.pclk2 = pclk2;
                this.timers2 = timers2;
                gates.SetFrequency(ClockBus.Apb2, pclk2, timers2);
            }
            UpdateRtc();
            CheckLimits();
        }

        private void CheckLimits()
        {
            var waitStates = hclk <= 24000000 ? 0UL : hclk <= 48000000 ? 1UL : 2UL;
            Forbid(hclk > MaxFrequency, "The system clock is {0} Hz; the chip bears 72 MHz.", hclk);
            Forbid(pll.IsReady && PllFrequency > MaxFrequency, "The PLL runs at {0} Hz; it bears 72 MHz.", PllFrequency);
            CheckSlowBus();
            Forbid(flash.WaitStates < waitStates, "The flash has {0} wait states at {1} Hz and needs {2}.", flash.WaitStates, hclk, waitStates);
            // 3.3.3
            Forbid(!flash.Prefetches && AhbDivider(ahbPrescaler.Value) != 1, "The prefetch buffer is off while AHB is divided.");
            Forbid(flash.AccessesHalfCycles && (hclk > 8000000 || systemClock == ClockSource.Pll), "Half-cycle access to flash at {0} Hz.", hclk);
        }

        // Start-up code often divides APB1's clock only after it has raised HCLK.
        private void CheckSlowBus()
        {
            if(pclk1 <= MaxFrequency / 2)
            {
                slowBusOverclocked.Cancel();
            }
            else if(!slowBusOverclocked.IsSet)
            {
                this.Log(LogLevel.Warning, "APB1 runs at {0} Hz; it bears 36 MHz. Silicon tolerates this for a moment.", pclk1);
                slowBusOverclocked.SetIn(ToleratedTime);
            }
        }

        private void Forbid(bool condition, string message, params object[] values)
        {
            if(condition)
            {
                this.Log(LogLevel.Error, message, values);
            }
        }

        private bool IsReady(ClockSource source)
        {
            switch(source)
            {
            case ClockSource.Internal: return internalOscillator.IsReady;
            case ClockSource.Crystal: return crystal.IsReady;
            case ClockSource.Pll: return pll.IsReady;
            default: return false;
            }
        }

        private uint Frequency(ClockSource source)
        {
            switch(source)
            {
            case ClockSource.Crystal: return CrystalFrequency;
            case ClockSource.Pll: return PllFrequency;
            default: return TrimmedFrequency;
            }
        }

        // A step of HSITRIM is about 40 kHz, 7.3.1.
        private uint TrimmedFrequency => (uint)(internalFrequency + ((int)trim.Value - 16) * 40000);

        private uint PllFrequency
        {
            get
            {
                var input = !pllFromCrystal.Value ? TrimmedFrequency / 2 : pllHalvesCrystal.Value ? CrystalFrequency / 2 : CrystalFrequency;
                var factor = pllMultiplier.Value >= 14 ? 16u : (uint)pllMultiplier.Value + 2;
                return input * factor;
            }
        }

        // Twice the bus's where the bus is divided, figure 8.
        private static uint TimerClock(uint bus, uint hclk) => bus == hclk ? bus : 2 * bus;

        private static uint AhbDivider(ulong field)
        {
            // 8 to 11 stand for 2 to 16, 12 to 15 for 64 to 512: there is no 32
            return field < 8 ? 1u : field < 12 ? 2u << (int)(field - 8) : 64u << (int)(field - 12);
        }

        private static uint ApbDivider(ulong field)
        {
            return field < 4 ? 1u : 2u << (int)(field - 4);
        }

        private uint hclk;
        private uint pclk1;
        private uint pclk2;
        private uint timers1;
        private uint timers2;
        private uint internalFrequency = 8000000;
        private bool crystalFailed;
        private bool lowSpeedIsForced;
        private uint readyFlags; // of CIR
        private ClockSource systemClock;
        private ResetCause resetCause = ResetCause.PowerOn;
        private ResetCause resetFlags;

        private readonly Oscillator internalOscillator;
        private readonly Oscillator crystal;
        private readonly Oscillator pll;
        private readonly Oscillator lowSpeed;
        private readonly Alarm slowBusOverclocked;

        private const uint LowSpeedReady = 1 << 0; // of CIR
        private const uint InternalReady = 1 << 2;
        private const uint CrystalReady = 1 << 3;
        private const uint PllReady = 1 << 4;
        private const int NonMaskableInterrupt = 2;
        private const double ToleratedTime = 1e6; // ns
        private const uint MaxFrequency = 72000000;
        private const uint CyclesAMillionInstructions = 1800000; // the default network takes 1.80 cycles an instruction

        private enum ClockSource
        {
            Internal = 0,
            Crystal = 1,
            Pll = 2,
        }
    }
}
