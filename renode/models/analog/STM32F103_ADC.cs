// A converter, RM0008 chapter 11: regular and injected groups, scan, continuous and discontinuous conversion, triggers,
// the watchdog, calibration, DMA requests, and ADC2 as the slave of the simultaneous modes. What the pins carry is set
// with `adc1 SetMillivolts CHANNEL VALUE`. Not modelled: the delays of the interleaved modes.

using System;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.IRQControllers;
using Antmicro.Renode.Peripherals.Miscellaneous;
using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.Analog
{
    public class STM32F103_ADC : STM32F103_Peripheral, IGPIOReceiver
    {
        // slave: the other converter in the dual modes, for ADC1
        public STM32F103_ADC(IMachine machine, STM32F103_RCC rcc, STM32F103_EXTI exti, STM32F103_Timer timer1, STM32F103_Timer timer2,
            STM32F103_Timer timer3, STM32F103_Timer timer4, STM32F103_ADC slave = null) : base(machine)
        {
            this.rcc = rcc;
            this.slave = slave;
            conversion = new Alarm(machine, this, "conversion", ConversionIsOver);
            calibration = new Alarm(machine, this, "calibration", () => Clear(CR2, Calibrate | ResetCalibration));
            // The compare outputs that start a group: timer, channel, and the value of EXTSEL or 8 + JEXTSEL, tables 67 and 68.
            ListenTo(timer1, 0, 0);
            ListenTo(timer1, 1, 1);
            ListenTo(timer1, 2, 2);
            ListenTo(timer2, 1, 3);
            ListenTo(timer4, 3, 5);
            ListenTo(timer1, 3, 9);
            ListenTo(timer2, 0, 11);
            ListenTo(timer3, 3, 12);
            exti.Edge += line =>
            {
                if(line == 11 || line == 15)
                {
                    Trigger(line == 11 ? 6 : 14);
                }
            };
            millivolts[VoltageReference] = 1200;
            millivolts[TemperatureSensor] = 1430; // at 25 degrees
            Reset();
        }

        public override void Reset()
        {
            conversion.Cancel();
            calibration.Cancel();
            Array.Clear(registers, 0, registers.Length);
            registers[HTR] = 0xFFF;
            runsRegular = false;
            runsInjected = false;
            Update();
        }

        // The trigger outputs of timers: the value of EXTSEL, or 8 + that of JEXTSEL.
        public void OnGPIO(int number, bool value)
        {
            if(value)
            {
                Trigger(number);
            }
        }

        public void SetMillivolts(int channel, uint value)
        {
            millivolts[channel] = value;
        }

        public override uint ReadDoubleWord(long offset)
        {
            if(offset == DR * 4)
            {
                Clear(SR, EndOfConversion);
                dataIsRequested = false;
                Update();
                return registers[DR] | (IsDual ? slave.registers[DR] << 16 : 0);
            }
            return offset < registers.Length * 4 ? registers[offset / 4] : 0;
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            switch(offset / 4)
            {
            case SR:
                registers[SR] &= value;
                break;
            case CR1:
                registers[CR1] = value & 0xCFFFFF;
                break;
            case CR2:
                WriteControl(value);
                break;
            default:
                if(offset / 4 < Masks.Length)
                {
                    registers[offset / 4] = value & Masks[offset / 4];
                }
                break;
            }
            Update();
        }

        public GPIO IRQ { get; } = new GPIO();

        public GPIO Request { get; } = new GPIO();

        // A watched compare output costs the timer an event, so only the selected one is.
        private void ListenTo(STM32F103_Timer timer, int channel, int source)
        {
            timer.OutputUsers.Add(asked => asked == channel && IsSelected(source));
            timer.OutputRises += risen =>
            {
                if(risen == channel)
                {
                    Trigger(source);
                }
            };
        }

        private bool IsSelected(int source)
        {
            var control = registers[CR2];
            return source < 8 ? (control & ExternalTrigger) != 0 && (control >> 17 & 7) == source
                : (control & InjectedExternalTrigger) != 0 && (control >> 12 & 7) == source - 8;
        }

        private void Trigger(int source)
        {
            if((registers[CR2] & On) == 0 || !IsSelected(source))
            {
                return;
            }
            if(source < 8)
            {
                StartRegular();
            }
            else
            {
                StartInjected();
            }
        }

        private void WriteControl(uint value)
        {
            var old = registers[CR2];
            registers[CR2] = (value & 0x9EF903) | ((value | old) & (Calibrate | ResetCalibration));
            if((registers[CR2] & On) == 0)
            {
                conversion.Cancel();
                runsRegular = false;
                runsInjected = false;
                return;
            }
            if((value & (Calibrate | ResetCalibration) & ~old) != 0)
            {
                CheckClock();
                calibration.SetIn(83 * ClockPeriod); // the datasheet, 5.3.18
            }
            if((value & SoftwareStart) != 0)
            {
                Trigger(7);
            }
            if((value & InjectedSoftwareStart) != 0)
            {
                Trigger(15);
            }
            // ADON written again, with nothing else changed, starts the regular group, 11.12.3.
            if((old & On) != 0 && value == old)
            {
                StartRegular();
            }
        }

        private bool IsDual => slave != null && (registers[CR1] >> 16 & 0xF) != 0;

        private void StartRegular()
        {
            if(runsRegular)
            {
                return;
            }
            CheckClock();
            runsRegular = true;
            registers[SR] |= RegularStarted;
            remaining = (registers[CR1] & Discontinuous) != 0 ? (int)(registers[CR1] >> 13 & 7) + 1 : int.MaxValue;
            if((registers[CR1] & Discontinuous) == 0)
            {
                rank = 0;
            }
            var dual = registers[CR1] >> 16 & 0xF;
            if(IsDual && dual != 5 && dual != 9 && (slave.registers[CR2] & On) != 0)
            {
                slave.StartRegular();
            }
            StartNext();
        }

        private void StartInjected()
        {
            if(runsInjected)
            {
                return;
            }
            CheckClock();
            runsInjected = true;
            injectedRank = 0;
            registers[SR] |= InjectedStarted;
            var dual = registers[CR1] >> 16 & 0xF;
            if(IsDual && (dual == 1 || dual == 5) && (slave.registers[CR2] & On) != 0)
            {
                slave.StartInjected();
            }
            conversion.Cancel(); // the regular conversion begins again after the injected group, 11.3.9
            StartNext();
        }

        private void StartNext()
        {
            if(conversion.IsSet || (!runsInjected && !runsRegular))
            {
                return;
            }
            channel = runsInjected ? InjectedChannel(injectedRank) : RegularChannel(rank);
            var code = channel < 10 ? registers[SMPR2] >> 3 * channel & 7 : registers[SMPR1] >> 3 * (channel - 10) & 7;
            conversion.SetIn((SampleClocks[code] + 12.5) * ClockPeriod);
        }

        private void ConversionIsOver()
        {
            var value = Sample(channel);
            Watch(channel, value);
            if(runsInjected)
            {
                InjectedIsOver((int)value);
            }
            else
            {
                RegularIsOver(value);
            }
            StartNext();
            Update();
        }

        private void InjectedIsOver(int value)
        {
            var result = value - (int)registers[JOFR1 + injectedRank];
            registers[JDR1 + injectedRank] = (uint)((registers[CR2] & LeftAligned) != 0 ? result << 3 : result) & 0xFFFF;
            var length = (registers[CR1] & Scan) != 0 ? (int)(registers[JSQR] >> 20 & 3) + 1 : 1;
            injectedRank++;
            if(injectedRank >= length)
            {
                runsInjected = false;
                registers[SR] |= InjectedEnd | EndOfConversion;
            }
        }

        private void RegularIsOver(uint value)
        {
            registers[DR] = (registers[CR2] & LeftAligned) != 0 ? value << 4 : value;
            dataIsRequested = (registers[CR2] & DmaEnable) != 0;
            if(dataIsRequested)
            {
                Request.Set(true);
            }
            var length = (registers[CR1] & Scan) != 0 ? (int)(registers[SQR1] >> 20 & 0xF) + 1 : 1;
            rank++;
            remaining--;
            if(rank >= length)
            {
                rank = 0;
                registers[SR] |= EndOfConversion;
                runsRegular = (registers[CR2] & Continuous) != 0 && (registers[CR1] & Discontinuous) == 0;
                if((registers[CR1] & AutoInjected) != 0)
                {
                    runsInjected = true;
                    injectedRank = 0;
                }
            }
            else if(remaining <= 0)
            {
                registers[SR] |= EndOfConversion;
                runsRegular = false;
            }
        }

        private uint Sample(int number)
        {
            if(number >= TemperatureSensor && (registers[CR2] & SensorEnable) == 0)
            {
                return 0;
            }
            return number < millivolts.Length ? Math.Min(4095, millivolts[number] * 4095 / Reference) : 0;
        }

        private void Watch(int number, uint value)
        {
            var control = registers[CR1];
            var isWatched = (control & (runsInjected ? 1u << 22 : 1u << 23)) != 0;
            if(isWatched && ((control & 1 << 9) == 0 || (control & 0x1F) == number) && (value > registers[HTR] || value < registers[LTR]))
            {
                registers[SR] |= WatchdogFlag;
            }
        }

        private int RegularChannel(int number)
        {
            var register = number < 6 ? SQR3 : number < 12 ? SQR2 : SQR1;
            return (int)(registers[register] >> 5 * (number % 6) & 0x1F);
        }

        // The sequence ends at JSQ4, 11.12.12.
        private int InjectedChannel(int number)
        {
            var length = (int)(registers[JSQR] >> 20 & 3) + 1;
            return (int)(registers[JSQR] >> 5 * (4 - length + number) & 0x1F);
        }

        private void CheckClock()
        {
            if(rcc.ConverterFrequency > MaxFrequency)
            {
                this.Log(LogLevel.Error, "The converter's clock is {0} Hz; it bears 14 MHz.", rcc.ConverterFrequency);
            }
        }

        private double ClockPeriod => 1e9 / rcc.ConverterFrequency;

        private void Clear(int register, uint mask) => registers[register] &= ~mask;

        private void Update()
        {
            var control = registers[CR1];
            var flags = registers[SR];
            IRQ.Set(((control & 0x20) != 0 && (flags & EndOfConversion) != 0) || ((control & 0x40) != 0 && (flags & WatchdogFlag) != 0)
                || ((control & 0x80) != 0 && (flags & InjectedEnd) != 0));
            Request.Set(dataIsRequested);
        }

        private bool runsRegular;
        private bool runsInjected;
        private bool dataIsRequested;
        private int rank;
        private int injectedRank;
        private int remaining;
        private int channel;

        private readonly uint[] registers = new uint[DR + 1];
        private readonly uint[] millivolts = new uint[18];
        private readonly STM32F103_RCC rcc;
        private readonly STM32F103_ADC slave;
        private readonly Alarm conversion;
        private readonly Alarm calibration;

        private const int TemperatureSensor = 16;
        private const int VoltageReference = 17;
        private const uint Reference = 3300; // mV
        private const uint MaxFrequency = 14000000;
        private const uint WatchdogFlag = 1 << 0; // of SR
        private const uint EndOfConversion = 1 << 1;
        private const uint InjectedEnd = 1 << 2;
        private const uint InjectedStarted = 1 << 3;
        private const uint RegularStarted = 1 << 4;
        private const uint Scan = 1 << 8; // of CR1
        private const uint AutoInjected = 1 << 10;
        private const uint Discontinuous = 1 << 11;
        private const uint On = 1 << 0; // of CR2
        private const uint Continuous = 1 << 1;
        private const uint Calibrate = 1 << 2;
        private const uint ResetCalibration = 1 << 3;
        private const uint DmaEnable = 1 << 8;
        private const uint LeftAligned = 1 << 11;
        private const uint InjectedExternalTrigger = 1 << 15;
        private const uint ExternalTrigger = 1 << 20;
        private const uint InjectedSoftwareStart = 1 << 21;
        private const uint SoftwareStart = 1 << 22;
        private const uint SensorEnable = 1 << 23;

        // Offsets in words.
        private const int SR = 0;
        private const int CR1 = 1;
        private const int CR2 = 2;
        private const int SMPR1 = 3;
        private const int SMPR2 = 4;
        private const int JOFR1 = 5;
        private const int HTR = 9;
        private const int LTR = 10;
        private const int SQR1 = 11;
        private const int SQR2 = 12;
        private const int SQR3 = 13;
        private const int JSQR = 14;
        private const int JDR1 = 15;
        private const int DR = 19;

        private static readonly double[] SampleClocks = { 1.5, 7.5, 13.5, 28.5, 41.5, 55.5, 71.5, 239.5 };
        private static readonly uint[] Masks =
        {
            0, 0, 0, 0xFFFFFF, 0x3FFFFFFF, 0xFFF, 0xFFF, 0xFFF, 0xFFF, 0xFFF, 0xFFF, 0xFFFFFF, 0x3FFFFFFF, 0x3FFFFFFF, 0x3FFFFF,
        };
    }
}
