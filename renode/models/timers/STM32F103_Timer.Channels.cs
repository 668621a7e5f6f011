// The timer's capture and compare channels, RM0008 14.3.4 to 14.3.13.

using System;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.GPIOPort;

namespace Antmicro.Renode.Peripherals.Timers
{
    public partial class STM32F103_Timer
    {
        private uint ModeOf(int channel) => registers[CCMR1 + channel / 2] >> 8 * (channel % 2) & 0xFF;

        private bool IsInput(int channel) => (ModeOf(channel) & 3) != 0;

        private bool IsEnabled(int channel) => (registers[CCER] >> 4 * channel & 1) != 0;

        private bool IsInverted(int channel) => (registers[CCER] >> 4 * channel & 2) != 0;

        private uint CompareMode(int channel) => ModeOf(channel) >> 4 & 7;

        // An enabled channel keeps its direction, 14.4.7.
        private void WriteMode(int register, uint value)
        {
            for(var k = 0; k < 2; k++)
            {
                var channel = 2 * (register - CCMR1) + k;
                if(IsEnabled(channel))
                {
                    var selection = 3u << 8 * k;
                    value = (value & ~selection) | (registers[register] & selection);
                }
            }
            registers[register] = value;
        }

        private void WriteCompare(int channel, uint value)
        {
            if(IsInput(channel))
            {
                return;
            }
            registers[CCR1 + channel] = value;
            channels[channel].Preload = value;
            if((ModeOf(channel) & ComparePreload) == 0)
            {
                channels[channel].Shadow = value;
            }
        }

        // --- Compare --------------------------------------------------------------------------------------------------

        // The counter goes from here to there, and over the end if it wraps.
        private void CompareWhileCounting(long from, long to, bool wraps)
        {
            for(var k = 0; k < Channels; k++)
            {
                if(IsInput(k))
                {
                    continue;
                }
                var value = (long)channels[k].Shadow;
                var passed = countsDown ? value < from && value >= to : value > from && value <= to;
                if(wraps && !Bit(CR1, CentreAligned))
                {
                    passed |= countsDown ? value == shadowReload || value > shadowReload : value == 0 || value > shadowReload;
                }
                if(passed && MatchesInThisDirection())
                {
                    Match(k);
                }
            }
        }

        // The centre-aligned modes set the flags on the way down, up or both, 14.4.1.
        private bool MatchesInThisDirection()
        {
            var mode = registers[CR1] >> 5 & 3;
            return mode == 0 || mode == 3 || (mode == 1) == countsDown;
        }

        private void MarkAllCompares()
        {
            for(var k = 0; k < Channels; k++)
            {
                if(!IsInput(k) && channels[k].Shadow <= shadowReload)
                {
                    registers[SR] |= 2u << k;
                }
            }
        }

        private void Match(int channel)
        {
            registers[SR] |= 2u << channel;
            var reference = channels[channel].Reference;
            switch(CompareMode(channel))
            {
            case 1: reference = true; break;
            case 2: reference = false; break;
            case 3: reference = !reference; break;
            }
            channels[channel].Reference = reference;
            Request(0x200u << channel, burstLine = RequestLine(channel));
            if(TriggerSource == 3 && channel == 0)
            {
                Pulse();
            }
        }

        private GPIO RequestLine(int channel)
        {
            switch(channel)
            {
            case 0: return Compare1Request;
            case 1: return Compare2Request;
            case 2: return Compare3Request;
            default: return Compare4Request;
            }
        }

        private double TicksToChange(int channel)
        {
            var toUpdate = TicksToUpdate();
            var value = channels[channel].Shadow;
            var count = registers[CNT];
            double toMatch = double.PositiveInfinity;
            if(countsDown ? value < count : value > count && value <= shadowReload)
            {
                toMatch = Math.Abs((double)value - count);
            }
            return Math.Min(toMatch, toUpdate);
        }

        // OCxREF, 14.3.9.
        private bool ReferenceLevel(int channel)
        {
            var value = channels[channel].Shadow;
            var active = countsDown ? registers[CNT] <= value : registers[CNT] < value;
            switch(CompareMode(channel))
            {
            case 4: return false;
            case 5: return true;
            case 6: return active;
            case 7: return !active;
            default: return channels[channel].Reference;
            }
        }

        // What the timer drives its pin to, null while it does not.
        private bool? DrivenLevel(int channel, bool complementary)
        {
            if(!isTouched)
            {
                Touch(() => { });
            }
            var enable = complementary ? 4u : 1u;
            var bits = registers[CCER] >> 4 * channel;
            if(IsInput(channel) || (bits & enable) == 0 || frequency == 0)
            {
                return null;
            }
            if(isAdvanced && !Bit(BDTR, MainOutput))
            {
                // The idle level, where BDTR.OSSI keeps the pin driven.
                return Bit(BDTR, IdleDriven) ? (registers[CR2] >> 8 + 2 * channel + (complementary ? 1 : 0) & 1) != 0 : (bool?)null;
            }
            var level = ReferenceLevel(channel);
            if(complementary && (bits & 1) != 0)
            {
                level = !level;
            }
            return level != ((bits & enable << 1) != 0);
        }

        private bool OutputIsWatched(int channel)
        {
            if(OutputUsers.Any(uses => uses(channel)) || (TriggerSource == 4 + channel && TriggerOutput.IsConnected) || (TriggerSource == 3 && channel == 0 && TriggerOutput.IsConnected))
            {
                return true;
            }
            return (IsEnabled(channel) && channels[channel].Pin.IsWatched)
                || ((registers[CCER] >> 4 * channel & 4) != 0 && channels[channel].ComplementaryPin != null && channels[channel].ComplementaryPin.IsWatched);
        }

        private void UpdateOutputs()
        {
            for(var k = 0; k < Channels; k++)
            {
                var channel = channels[k];
                if(IsInput(k))
                {
                    continue;
                }
                var level = ReferenceLevel(k);
                var state = (level ? 1 : 0) | (IsEnabled(k) ? 2 : 0) | (Bit(BDTR, MainOutput) ? 4 : 0) | (int)(registers[CCER] >> 4 * k & 0xE) << 4;
                if(level != channel.LastLevel)
                {
                    channel.LastLevel = level;
                    if(level)
                    {
                        OutputRises?.Invoke(k);
                    }
                    if(TriggerSource == 4 + k)
                    {
                        TriggerOutput.Set(level);
                    }
                }
                if(state != channel.LastState)
                {
                    channel.LastState = state;
                    channel.Pin.Changed();
                    channel.ComplementaryPin?.Changed();
                }
            }
        }

        // A break takes the outputs away, 14.3.12.
        private void CheckBreak()
        {
            if(isAdvanced && Bit(BDTR, BreakEnable) && breakPin.Level == Bit(BDTR, BreakPolarity))
            {
                registers[SR] |= BreakFlag;
                Clear(BDTR, MainOutput);
            }
        }

        // --- Capture --------------------------------------------------------------------------------------------------

        private void InputChanged(int pin)
        {
            Touch(() =>
            {
                var level = TimerInput(pin);
                var first = pin == 0 || ((pin == 1 || pin == 2) && Bit(CR2, InputsAreCombined)) ? 0 : pin;
                if(level == channels[first].InputLevel && first == pin)
                {
                    return;
                }
                channels[pin].InputLevel = channels[pin].Pin.Level;
                channels[first].InputLevel = TimerInput(first);
                InputEdge(first, channels[first].InputLevel);
            });
        }

        private bool TimerInput(int channel)
        {
            var level = channels[channel].Pin.Level;
            return channel == 0 && Bit(CR2, InputsAreCombined) ? level ^ channels[1].Pin.Level ^ channels[2].Pin.Level : level;
        }

        private void InputEdge(int input, bool level)
        {
            for(var k = 0; k < Channels; k++)
            {
                var selection = ModeOf(k) & 3;
                var source = selection == 1 ? k : selection == 2 ? k ^ 1 : -1;
                if(source == input && IsEnabled(k) && level != IsInverted(k))
                {
                    CapturePrescaled(k);
                }
            }
            if(input > 1)
            {
                return;
            }
            var rises = level != IsInverted(input);
            if(IsEncoder)
            {
                Encode(input, rises);
            }
            if(input == 0)
            {
                TriggerChanged(4, true);
                TriggerChanged(4, false);
            }
            TriggerChanged(5 + input, rises);
        }

        private bool FilteredLevel(int channel) => channels[channel].InputLevel != IsInverted(channel);

        private void CaptureTrigger(bool rises)
        {
            for(var k = 0; k < Channels && rises; k++)
            {
                if((ModeOf(k) & 3) == 3 && IsEnabled(k))
                {
                    CapturePrescaled(k);
                }
            }
        }

        private void CapturePrescaled(int channel)
        {
            if(++channels[channel].Edges >= 1u << (int)(ModeOf(channel) >> 2 & 3))
            {
                channels[channel].Edges = 0;
                Capture(channel);
            }
        }

        private void Capture(int channel)
        {
            if(Bit(SR, 2u << channel))
            {
                registers[SR] |= 0x200u << channel; // over-capture
            }
            registers[CCR1 + channel] = registers[CNT];
            registers[SR] |= 2u << channel;
            Request(0x200u << channel, burstLine = RequestLine(channel));
            if(TriggerSource == 3 && channel == 0)
            {
                Pulse();
            }
        }

        private readonly Channel[] channels = new Channel[Channels];

        private const int Channels = 4;
        private const int Complementary = 3;
        private const uint ComparePreload = 1 << 3; // of CCMRx
        private const uint InputsAreCombined = 1 << 7; // of CR2
        private const uint IdleDriven = 1 << 10; // of BDTR
        private const uint BreakEnable = 1 << 12;
        private const uint BreakPolarity = 1 << 13;

        private class Channel
        {
            public void Reset()
            {
                Preload = 0;
                Shadow = 0;
                Reference = false;
                Edges = 0;
                LastState = 0;
                LastLevel = false;
            }

            public PinFunction Pin;
            public PinFunction ComplementaryPin;
            public uint Preload;
            public uint Shadow;
            public bool Reference;
            public bool InputLevel;
            public uint Edges;
            public bool LastLevel;
            public int LastState;
        }
    }
}
