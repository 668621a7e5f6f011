// The timer's counter, RM0008 14.3.1 to 14.3.3, and its slave modes, 14.3.14.

using System;

namespace Antmicro.Renode.Peripherals.Timers
{
    public partial class STM32F103_Timer
    {
        private bool IsRunning => Bit(CR1, Enable);

        private uint SlaveMode => registers[SMCR] & 7;

        private bool IsEncoder => SlaveMode >= 1 && SlaveMode <= 3;

        private bool CountsEdges => IsEncoder || SlaveMode == 7 || Bit(SMCR, ExternalClock2);

        private bool CountsClocks => IsRunning && !CountsEdges && frequency > 0 && shadowReload > 0 && !(SlaveMode == 5 && !gateIsOpen);

        // In ns.
        private double Tick => (shadowPrescaler + 1) * 1e9 / frequency;

        private void Count()
        {
            var now = machine.Now();
            if(!CountsClocks)
            {
                countedUntil = now;
                return;
            }
            // An alarm comes up to a nanosecond late, never early; the margin is for rounding.
            while(CountsClocks)
            {
                var ticks = Math.Floor((now - countedUntil) / Tick + 1e-6);
                if(ticks < 1)
                {
                    return;
                }
                var step = (ulong)Math.Min(ticks, TicksToUpdate());
                countedUntil += step * Tick;
                var skipped = Advance(step);
                if(!skipped || ticks <= step || repetitions > 0)
                {
                    continue;
                }
                // From here on every period is like the last one: whole ones are skipped.
                var period = Period();
                var periods = Math.Floor((now - countedUntil) / Tick / period) - 1;
                if(periods > 0)
                {
                    MarkAllCompares();
                    countedUntil += periods * period * Tick;
                }
            }
            countedUntil = now; // it stopped on the way
        }

        private double Period() => Bit(CR1, CentreAligned) ? 2.0 * shadowReload : shadowReload + 1.0;

        private ulong TicksToUpdate()
        {
            var count = registers[CNT];
            if(countsDown)
            {
                return Bit(CR1, CentreAligned) ? Math.Max(count, 1) : count + 1;
            }
            var top = Bit(CR1, CentreAligned) ? shadowReload - 1 : shadowReload;
            return count <= top ? top - count + 1 : MaxCount - count + 1;
        }

        // At most to the next update; whether one happened.
        private bool Advance(ulong ticks)
        {
            var from = registers[CNT];
            var updates = ticks == TicksToUpdate();
            var to = countsDown ? from - (long)ticks : from + (long)ticks;
            CompareWhileCounting(from, to, updates);
            if(!updates)
            {
                registers[CNT] = (uint)to & MaxCount;
                return false;
            }
            if(Bit(CR1, CentreAligned))
            {
                registers[CNT] = countsDown ? 0 : shadowReload;
                countsDown = !countsDown;
            }
            else
            {
                registers[CNT] = countsDown ? shadowReload : 0;
            }
            if(repetitions > 0)
            {
                repetitions--;
            }
            else
            {
                Update(true);
            }
            return true;
        }

        // isOverflow: from the counter, not from software or a trigger
        private void Update(bool isOverflow)
        {
            if(Bit(CR1, UpdateDisable))
            {
                return;
            }
            shadowPrescaler = registers[PSC];
            shadowReload = registers[ARR];
            repetitions = registers[RCR];
            foreach(var channel in channels)
            {
                channel.Shadow = channel.Preload;
            }
            if(isOverflow || !Bit(CR1, UpdateRequestSource))
            {
                registers[SR] |= UpdateFlag;
                Request(UpdateRequestEnable, burstLine = UpdateRequest);
            }
            if(isOverflow && Bit(CR1, OnePulse))
            {
                Clear(CR1, Enable);
            }
            // The automatic output enable, 14.4.18.
            if(isAdvanced && Bit(BDTR, AutomaticOutput))
            {
                registers[BDTR] |= MainOutput;
            }
            if(TriggerSource == 2)
            {
                Pulse();
            }
        }

        private void Restart()
        {
            registers[CNT] = countsDown && !Bit(CR1, CentreAligned) ? shadowReload : 0;
            prescalerCount = 0;
            countedUntil = machine.Now();
        }

        private void Generate(uint events)
        {
            if((events & 1) != 0)
            {
                Update(false);
                Restart();
                if(TriggerSource == 0)
                {
                    Pulse();
                }
            }
            for(var k = 0; k < Channels; k++)
            {
                if((events >> k + 1 & 1) != 0)
                {
                    if(IsInput(k))
                    {
                        Capture(k);
                    }
                    else
                    {
                        Match(k);
                    }
                }
            }
            registers[SR] |= events & (TriggerFlag | (isAdvanced ? CommutationFlag | BreakFlag : 0));
            if(isAdvanced && (events & BreakFlag) != 0)
            {
                Clear(BDTR, MainOutput);
            }
        }

        // --- Triggers -------------------------------------------------------------------------------------------------

        private uint TriggerSource => registers[CR2] >> 4 & 7; // MMS

        private uint SelectedTrigger => registers[SMCR] >> 4 & 7; // TS

        private void Pulse()
        {
            TriggerOutput.Set(true);
            TriggerOutput.Set(false);
        }

        // number: as in SMCR.TS
        private void TriggerChanged(int number, bool level)
        {
            if(number != SelectedTrigger)
            {
                return;
            }
            var rises = level && !triggerLevel;
            triggerLevel = level;
            switch(SlaveMode)
            {
            case 4:
                if(rises)
                {
                    Update(false);
                    Restart();
                    Triggered();
                }
                break;
            case 5:
                gateIsOpen = level;
                countedUntil = machine.Now();
                Triggered();
                break;
            case 6:
                if(rises)
                {
                    registers[CR1] |= Enable;
                    countedUntil = machine.Now();
                    Triggered();
                }
                break;
            case 7:
                if(rises && IsRunning)
                {
                    CountEdge();
                    Triggered();
                }
                break;
            }
            CaptureTrigger(rises);
        }

        private void Triggered()
        {
            registers[SR] |= TriggerFlag;
            Request(TriggerRequestEnable, burstLine = TriggerRequest);
        }

        private void ExternalTriggerChanged(bool pinLevel)
        {
            var level = pinLevel != Bit(SMCR, ExternalPolarity);
            if(level == externalLevel)
            {
                return;
            }
            externalLevel = level;
            if(level && ++externalCount >= 1u << (int)(registers[SMCR] >> 12 & 3))
            {
                externalCount = 0;
                if(Bit(SMCR, ExternalClock2) && IsRunning)
                {
                    CountEdge();
                }
                TriggerChanged(ExternalTrigger, true);
            }
            else if(!level)
            {
                TriggerChanged(ExternalTrigger, false);
            }
        }

        private void CountEdge()
        {
            if(prescalerCount++ < shadowPrescaler)
            {
                return;
            }
            prescalerCount = 0;
            if(shadowReload > 0)
            {
                Advance(1);
            }
        }

        // Table 83: counts on the edges of TI1, TI2 or both.
        private void Encode(int channel, bool rises)
        {
            if(!IsRunning || (SlaveMode == 1 && channel != 1) || (SlaveMode == 2 && channel != 0))
            {
                return;
            }
            var other = FilteredLevel(1 - channel);
            countsDown = channel == 0 ? rises == other : rises != other;
            CountEdge();
        }

        // --- Events ---------------------------------------------------------------------------------------------------

        private void Plan()
        {
            if(!CountsClocks)
            {
                alarm.Cancel();
                return;
            }
            var ticks = double.PositiveInfinity;
            var wanted = registers[DIER] & ~registers[SR];
            if((wanted & UpdateFlag) != 0 || Bit(DIER, UpdateRequestEnable) || Bit(CR1, OnePulse) || (TriggerSource == 2 && TriggerOutput.IsConnected))
            {
                ticks = TicksToUpdate() + Period() * (Bit(CR1, CentreAligned) ? repetitions * 0.5 : repetitions);
            }
            for(var k = 0; k < Channels; k++)
            {
                if(!IsInput(k) && ((wanted >> k + 1 & 1) != 0 || Bit(DIER, 0x200u << k) || OutputIsWatched(k)))
                {
                    ticks = Math.Min(ticks, TicksToChange(k));
                }
            }
            if(double.IsInfinity(ticks))
            {
                alarm.Cancel();
            }
            else
            {
                alarm.SetAt(countedUntil + ticks * Tick);
            }
        }

        private double countedUntil;
        private bool countsDown;
        private bool gateIsOpen;
        private bool triggerLevel;
        private bool externalLevel;
        private uint externalCount;
        private uint prescalerCount; // of counted edges
        private uint repetitions;
        private uint shadowPrescaler;
        private uint shadowReload;

        private const uint ExternalClock2 = 1 << 14; // of SMCR
        private const uint ExternalPolarity = 1 << 15;
        private const int ExternalTrigger = 7;
        private const uint AutomaticOutput = 1 << 14; // of BDTR
        private const uint MainOutput = 1 << 15;
    }
}
