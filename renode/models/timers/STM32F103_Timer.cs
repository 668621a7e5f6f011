// A timer, RM0008 chapters 14 and 15: TIM1 with its repetition counter, complementary outputs, break and four interrupt
// lines, or a general-purpose timer. The counter is computed from virtual time when somebody looks, and only what can
// be noticed (an interrupt, a DMA request, a trigger, a level on a pin that is watched) costs an event.
//
// This part holds the registers. Not modelled: dead time, the input filters, BDTR's lock, OCxCE.

using System;
using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.GPIOPort;
using Antmicro.Renode.Peripherals.Miscellaneous;

namespace Antmicro.Renode.Peripherals.Timers
{
    public partial class STM32F103_Timer : STM32F103_Peripheral, IClockedByTimerClock, IGPIOReceiver
    {
        // number: of the timer, 1 to 4
        public STM32F103_Timer(IMachine machine, STM32F103_AFIO afio, int number) : base(machine)
        {
            isAdvanced = number == 1;
            alarm = new Alarm(machine, this, "event", () => Touch(() => { }));
            for(var k = 0; k < Channels; k++)
            {
                channels[k] = new Channel();
                var channel = k;
                channels[k].Pin = afio.Connect($"TIM{number}_CH{k + 1}", () => DrivenLevel(channel, false), _ => InputChanged(channel));
                if(isAdvanced && k < Complementary)
                {
                    channels[k].ComplementaryPin = afio.Connect($"TIM{number}_CH{k + 1}N", () => DrivenLevel(channel, true), null);
                }
            }
            if(isAdvanced)
            {
                breakPin = afio.Connect("TIM1_BKIN", null, _ => Touch(CheckBreak));
            }
            if(number < 3)
            {
                triggerPin = afio.Connect($"TIM{number}_ETR", null, level => Touch(() => ExternalTriggerChanged(level)));
            }
            Reset();
        }

        public override void Reset()
        {
            alarm.Cancel();
            Array.Clear(registers, 0, registers.Length);
            registers[ARR] = MaxCount;
            shadowReload = MaxCount;
            shadowPrescaler = 0;
            repetitions = 0;
            prescalerCount = 0;
            countsDown = false;
            burst = 0;
            foreach(var channel in channels)
            {
                channel.Reset();
            }
            countedUntil = machine.Now();
            UpdateInterrupts();
        }

        public uint TimerFrequency
        {
            set
            {
                if(frequency != value)
                {
                    Touch(() => frequency = value);
                }
            }
        }

        // The trigger outputs of the other timers, ITR0 to ITR3.
        public void OnGPIO(int number, bool value)
        {
            Touch(() => TriggerChanged(number, value));
        }

        public override uint ReadDoubleWord(long offset)
        {
            if(offset == DMAR * 4)
            {
                return ReadDoubleWord(BurstOffset());
            }
            if(offset == SR * 4 || offset == CNT * 4 || (offset == CR1 * 4 && Bit(CR1, OnePulse)))
            {
                Touch(() => { });
            }
            if(offset >= CCR1 * 4 && offset < (CCR1 + Channels) * 4)
            {
                Touch(() => { });
                var channel = (int)offset / 4 - CCR1;
                if(IsInput(channel))
                {
                    Clear(SR, 2u << channel); // reading a capture acknowledges it, 15.4.5
                    UpdateInterrupts();
                }
            }
            if(offset >= registers.Length * 4)
            {
                return 0;
            }
            return offset == CR1 * 4 ? registers[CR1] | (countsDown ? Direction : 0) : registers[offset / 4];
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            if(offset < registers.Length * 4)
            {
                Touch(() => Write((int)offset / 4, value));
            }
        }

        public GPIO IRQ { get; } = new GPIO();

        public GPIO BreakInterrupt { get; } = new GPIO();

        public GPIO UpdateInterrupt { get; } = new GPIO();

        public GPIO TriggerInterrupt { get; } = new GPIO();

        public GPIO CompareInterrupt { get; } = new GPIO();

        public GPIO UpdateRequest { get; } = new GPIO();

        public GPIO TriggerRequest { get; } = new GPIO();

        public GPIO Compare1Request { get; } = new GPIO();

        public GPIO Compare2Request { get; } = new GPIO();

        public GPIO Compare3Request { get; } = new GPIO();

        public GPIO Compare4Request { get; } = new GPIO();

        public GPIO TriggerOutput { get; } = new GPIO();

        // A compare output rises: the converters can be started by it.
        public event Action<int> OutputRises;

        // Whether somebody uses a compare output at present.
        public List<Func<int, bool>> OutputUsers { get; } = new List<Func<int, bool>>();

        private void Write(int register, uint value)
        {
            switch(register)
            {
            case CR1:
                WriteControl(value & 0x3FF);
                break;
            case CR2:
                registers[CR2] = value & (isAdvanced ? 0x7FFDu : 0xF8u);
                break;
            case SMCR:
                registers[SMCR] = value & 0xFFF7;
                break;
            case DIER:
                registers[DIER] = value & (isAdvanced ? 0x7FFFu : 0x5F5Fu);
                break;
            case SR:
                registers[SR] &= value;
                break;
            case EGR:
                Generate(value);
                break;
            case CCMR1:
            case CCMR2:
                WriteMode(register, value & 0xFFFF);
                break;
            case CCER:
                registers[CCER] = value & (isAdvanced ? 0x3FFFu : 0x3333u);
                break;
            case CNT:
                registers[CNT] = value & MaxCount;
                break;
            case PSC:
                registers[PSC] = value & MaxCount;
                break;
            case ARR:
                registers[ARR] = value & MaxCount;
                if(!Bit(CR1, AutoReloadPreload))
                {
                    shadowReload = registers[ARR];
                }
                break;
            case RCR:
                registers[RCR] = isAdvanced ? value & 0xFF : 0;
                break;
            case BDTR:
                registers[BDTR] = isAdvanced ? value & 0xFFFF : 0;
                CheckBreak();
                break;
            case DCR:
                registers[DCR] = value & 0x1F1F;
                burst = 0;
                break;
            case DMAR:
                var offset = BurstOffset();
                if(offset != DMAR * 4)
                {
                    Write((int)offset / 4, value);
                }
                break;
            default:
                if(register >= CCR1 && register < CCR1 + Channels)
                {
                    WriteCompare(register - CCR1, value & MaxCount);
                }
                break;
            }
        }

        private void WriteControl(uint value)
        {
            var starts = (value & Enable) != 0 && !IsRunning;
            // The direction is read-only in the centre-aligned modes and with an encoder, 15.4.1.
            if((value & CentreAligned) == 0 && !IsEncoder)
            {
                countsDown = (value & Direction) != 0;
            }
            registers[CR1] = value & ~Direction;
            if(starts)
            {
                countedUntil = machine.Now();
            }
        }

        // Brings the counter up to now, applies a change, and plans the next event.
        private void Touch(Action change)
        {
            if(isTouched)
            {
                change();
                return;
            }
            isTouched = true;
            Count();
            change();
            UpdateOutputs();
            UpdateInterrupts();
            Plan();
            isTouched = false;
        }

        private void UpdateInterrupts()
        {
            var active = registers[SR] & registers[DIER];
            if(isAdvanced)
            {
                UpdateInterrupt.Set((active & UpdateFlag) != 0);
                CompareInterrupt.Set((active & CompareFlags) != 0);
                TriggerInterrupt.Set((active & (TriggerFlag | CommutationFlag)) != 0);
                BreakInterrupt.Set((active & BreakFlag) != 0);
            }
            else
            {
                IRQ.Set((active & (UpdateFlag | CompareFlags | TriggerFlag)) != 0);
            }
        }

        // A DMA request is a pulse: the channel keeps it until it has moved an item.
        private void Request(uint enable, GPIO line)
        {
            if((registers[DIER] & enable) != 0)
            {
                line.Set(true);
                line.Set(false);
            }
        }

        // The register behind DMAR, which goes to the next one with each access, 15.3.20.
        private long BurstOffset()
        {
            var register = (registers[DCR] & 0x1F) + burst;
            burst = burst < (registers[DCR] >> 8 & 0x1F) ? burst + 1 : 0;
            if(burst != 0)
            {
                burstLine?.Set(true);
                burstLine?.Set(false);
            }
            return register * 4;
        }

        private bool Bit(int register, uint mask) => (registers[register] & mask) != 0;

        private void Clear(int register, uint mask) => registers[register] &= ~mask;

        private bool isTouched;
        private uint frequency;
        private uint burst;
        private GPIO burstLine;

        private readonly bool isAdvanced;
        private readonly uint[] registers = new uint[DMAR + 1];
        private readonly Alarm alarm;
        private readonly PinFunction breakPin;
        private readonly PinFunction triggerPin;

        private const uint MaxCount = 0xFFFF;
        private const uint Enable = 1 << 0; // of CR1
        private const uint UpdateDisable = 1 << 1;
        private const uint UpdateRequestSource = 1 << 2;
        private const uint OnePulse = 1 << 3;
        private const uint Direction = 1 << 4;
        private const uint CentreAligned = 3 << 5;
        private const uint AutoReloadPreload = 1 << 7;
        private const uint UpdateFlag = 1 << 0; // of SR, DIER and EGR
        private const uint CompareFlags = 0xF << 1;
        private const uint CommutationFlag = 1 << 5;
        private const uint TriggerFlag = 1 << 6;
        private const uint BreakFlag = 1 << 7;
        private const uint UpdateRequestEnable = 1 << 8; // of DIER
        private const uint TriggerRequestEnable = 1 << 14;

        // Offsets in words.
        private const int CR1 = 0;
        private const int CR2 = 1;
        private const int SMCR = 2;
        private const int DIER = 3;
        private const int SR = 4;
        private const int EGR = 5;
        private const int CCMR1 = 6;
        private const int CCMR2 = 7;
        private const int CCER = 8;
        private const int CNT = 9;
        private const int PSC = 10;
        private const int ARR = 11;
        private const int RCR = 12;
        private const int CCR1 = 13;
        private const int BDTR = 17;
        private const int DCR = 18;
        private const int DMAR = 19;
    }
}
