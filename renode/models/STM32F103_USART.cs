// The USART of the STM32F103, RM0008 chapter 27, with the time that characters take: a byte arrives after its ten bits,
// an unread one is overrun by the next, and a baud rate that does not match the line's damages everything.

using System;
using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.UART
{
    public class STM32F103_USART : BasicDoubleWordPeripheral, IUART, IKnownSize
    {
        public STM32F103_USART(IMachine machine) : base(machine)
        {
            receiveTimer = CharacterTimer(machine, "receive", CharacterArrived);
            transmitTimer = CharacterTimer(machine, "transmit", CharacterLeft);
            DefineRegisters();
        }

        public override void Reset()
        {
            base.Reset();
            transmitTimer.Reset();
            transmitHolds = false;
            statusRead = 0;
            IRQ.Set(false);
            // What is on the line still comes: the other end knows nothing of the reset.
        }

        // A character from the other end of the line: it queues until the line is free.
        public void WriteChar(byte value)
        {
            lock(line)
            {
                line.Enqueue(value);
                if(!receiveTimer.Enabled)
                {
                    StartCharacter(receiveTimer);
                }
            }
        }

        // Damages the character that arrives next, as noise or a wrong stop bit would.
        public void DamageNextCharacter(bool framing)
        {
            damageNext = framing ? LineDamage.Framing : LineDamage.Noise;
        }

        public long Size => 0x400;

        // PCLK2, set by the RCC.
        public uint Frequency { get; set; } = 8000000;

        // The baud rate of the other end of the line.
        public uint LineBaudRate { get; set; } = 115200;

        public uint BaudRate => divider.Value == 0 ? 0 : Frequency / (uint)divider.Value;

        public Bits StopBits => Bits.One;

        public Parity ParityBit => Parity.None;

        public GPIO IRQ { get; } = new GPIO();

        [field: Migrant.Transient]
        public event Action<byte> CharReceived;

        private LimitTimer CharacterTimer(IMachine machine, string name, Action limitReached)
        {
            var timer = new LimitTimer(machine.ClockSource, TimerFrequency, this, name, limit: 1, workMode: WorkMode.OneShot, eventEnabled: true);
            timer.LimitReached += limitReached;
            return timer;
        }

        private void DefineRegisters()
        {
            Registers.Status.Define(this, 0xC0)
                .WithFlag(0, FieldMode.Read, name: "PE")
                .WithFlag(1, out framingError, FieldMode.Read, name: "FE")
                .WithFlag(2, out noiseError, FieldMode.Read, name: "NE")
                .WithFlag(3, out overrun, FieldMode.Read, name: "ORE")
                .WithFlag(4, FieldMode.Read, name: "IDLE")
                .WithFlag(5, out received, FieldMode.Read | FieldMode.WriteZeroToClear, name: "RXNE")
                .WithFlag(6, out transmissionComplete, FieldMode.Read | FieldMode.WriteZeroToClear, name: "TC")
                .WithFlag(7, FieldMode.Read, valueProviderCallback: _ => !transmitHolds, name: "TXE")
                .WithReservedBits(8, 24)
                .WithReadCallback((_, value) => statusRead = value)
                .WithWriteCallback((_, __) => UpdateInterrupt());

            Registers.Data.Define(this)
                .WithValueField(0, 9, valueProviderCallback: _ => receiveData, writeCallback: (_, value) => Transmit((byte)value), name: "DR")
                .WithReservedBits(9, 23)
                .WithReadCallback((_, __) => DataWasRead());

            Registers.BaudRate.Define(this)
                .WithValueField(0, 16, out divider, name: "BRR")
                .WithReservedBits(16, 16);

            Registers.Control1.Define(this)
                .WithTaggedFlag("SBK", 0)
                .WithTaggedFlag("RWU", 1)
                .WithFlag(2, out receiverEnabled, name: "RE")
                .WithFlag(3, out transmitterEnabled, name: "TE")
                .WithTaggedFlag("IDLEIE", 4)
                .WithFlag(5, out receivedInterruptEnabled, name: "RXNEIE")
                .WithFlag(6, out completeInterruptEnabled, name: "TCIE")
                .WithFlag(7, out emptyInterruptEnabled, name: "TXEIE")
                .WithTaggedFlag("PEIE", 8)
                .WithTaggedFlag("PS", 9)
                .WithTaggedFlag("PCE", 10)
                .WithTaggedFlag("WAKE", 11)
                .WithTaggedFlag("M", 12)
                .WithFlag(13, out enabled, name: "UE")
                .WithReservedBits(14, 18)
                .WithWriteCallback((_, __) => UpdateInterrupt());

            Registers.Control2.Define(this).WithValueField(0, 32);
            Registers.Control3.Define(this).WithValueField(0, 32);
            Registers.GuardTime.Define(this).WithValueField(0, 32);
        }

        // Start bit, eight data bits, stop bit.
        private void StartCharacter(LimitTimer timer)
        {
            timer.Limit = 10 * TimerFrequency / LineBaudRate;
            timer.Enabled = true;
        }

        private void CharacterArrived()
        {
            byte value;
            lock(line)
            {
                value = line.Dequeue();
                if(line.Count > 0)
                {
                    StartCharacter(receiveTimer);
                }
            }
            if(!enabled.Value || !receiverEnabled.Value)
            {
                this.Log(LogLevel.Warning, "A character arrived while the receiver was off.");
                return;
            }

            var damage = BaudRateMatches ? damageNext : LineDamage.Framing;
            damageNext = LineDamage.None;
            if(received.Value)
            {
                overrun.Value = true; // the data register keeps the older character, 27.3.3
            }
            else
            {
                receiveData = damage == LineDamage.None ? value : (byte)(value ^ 0x5A);
                received.Value = true;
                framingError.Value = damage == LineDamage.Framing;
                noiseError.Value = damage == LineDamage.Noise;
            }
            UpdateInterrupt();
        }

        // Reading SR and then DR clears the flags that were read, 27.6.1.
        private void DataWasRead()
        {
            received.Value = false;
            framingError.Value &= (statusRead & 1u << 1) == 0;
            noiseError.Value &= (statusRead & 1u << 2) == 0;
            overrun.Value &= (statusRead & 1u << 3) == 0;
            statusRead = 0;
            UpdateInterrupt();
        }

        private void Transmit(byte value)
        {
            if(!enabled.Value || !transmitterEnabled.Value)
            {
                this.Log(LogLevel.Error, "A character was written while the transmitter was off.");
                return;
            }
            if(transmitHolds)
            {
                this.Log(LogLevel.Error, "A character was written while the data register was full: one is lost.");
            }
            transmissionComplete.Value = false;
            if(transmitTimer.Enabled)
            {
                transmitData = value;
                transmitHolds = true;
            }
            else
            {
                Shift(value);
            }
            UpdateInterrupt();
        }

        private void Shift(byte value)
        {
            shiftData = value;
            StartCharacter(transmitTimer);
        }

        private void CharacterLeft()
        {
            if(!BaudRateMatches)
            {
                this.Log(LogLevel.Warning, "Sent at {0} baud on a line of {1}.", BaudRate, LineBaudRate);
            }
            CharReceived?.Invoke(shiftData);
            if(transmitHolds)
            {
                transmitHolds = false;
                Shift(transmitData);
            }
            else
            {
                transmissionComplete.Value = true;
            }
            UpdateInterrupt();
        }

        private void UpdateInterrupt()
        {
            IRQ.Set((receivedInterruptEnabled.Value && (received.Value || overrun.Value))
                || (emptyInterruptEnabled.Value && !transmitHolds)
                || (completeInterruptEnabled.Value && transmissionComplete.Value));
        }

        // The receiver bears a deviation of 3.75 %, table 198.
        private bool BaudRateMatches => Math.Abs((double)BaudRate / LineBaudRate - 1) < 0.0375;

        private byte receiveData;
        private byte transmitData;
        private byte shiftData;
        private bool transmitHolds;
        private uint statusRead;
        private LineDamage damageNext;

        private IFlagRegisterField framingError;
        private IFlagRegisterField noiseError;
        private IFlagRegisterField overrun;
        private IFlagRegisterField received;
        private IFlagRegisterField transmissionComplete;
        private IFlagRegisterField receiverEnabled;
        private IFlagRegisterField transmitterEnabled;
        private IFlagRegisterField receivedInterruptEnabled;
        private IFlagRegisterField completeInterruptEnabled;
        private IFlagRegisterField emptyInterruptEnabled;
        private IFlagRegisterField enabled;
        private IValueRegisterField divider;

        private readonly Queue<byte> line = new Queue<byte>();
        private readonly LimitTimer receiveTimer;
        private readonly LimitTimer transmitTimer;

        private const ulong TimerFrequency = 72000000;

        private enum LineDamage
        {
            None,
            Framing,
            Noise,
        }

        private enum Registers
        {
            Status = 0x00,
            Data = 0x04,
            BaudRate = 0x08,
            Control1 = 0x0C,
            Control2 = 0x10,
            Control3 = 0x14,
            GuardTime = 0x18,
        }
    }
}
