// The USART, RM0008 chapter 27, asynchronous mode: its registers and flags, interrupts, DMA requests and clear-to-send.
// The line has bits: WriteChar and CharReceived are those of the far end, which has its own rate and format, and each
// end samples what the other drives. The pins decide what reaches the line.

using System;

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.GPIOPort;
using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.UART
{
    public partial class STM32F103_USART : STM32F103_Peripheral, IUART, IClockedByBus
    {
        // transmit, receive, clearToSend: the pins of the port; other...: where AFIO_MAPR's bit moves the first two
        public STM32F103_USART(IMachine machine, STM32F103_GPIO port, int transmit, int receive, int clearToSend, STM32F103_AFIO afio = null,
            int remapBit = 0, STM32F103_GPIO otherPort = null, int otherTransmit = 0, int otherReceive = 0) : base(machine)
        {
            handshakePort = port;
            clearToSendPin = clearToSend;
            transmitFunction = new PinFunction(() => Drives ? shifted.LevelAt(machine.Now()) : (bool?)null, null);
            farEnd = new FarEnd(toChip, fromChip);
            receiver = new SerialReceiver(toChip);
            arrival = new Alarm(machine, this, "arrival", CharactersWereWritten);
            reception = new Alarm(machine, this, "reception", ReceptionDue);
            transmission = new Alarm(machine, this, "transmission", TransmitterIsFree);
            farReception = new Alarm(machine, this, "far reception", () => FarEndListens(machine.Now()));
            DefineRegisters();
            Attach(port, transmit, receive);
            handshakePort.PinChanged += HandshakePinChanged;
            if(afio != null)
            {
                afio.Changed += () =>
                {
                    var moved = afio.IsRemapped(remapBit);
                    if((this.port == otherPort) != moved)
                    {
                        Attach(moved ? otherPort : port, moved ? otherTransmit : transmit, moved ? otherReceive : receive);
                        RestartReceiver();
                        UpdateTransmitLine();
                    }
                };
            }
            farEnd.SetFormat(UsualBaudRate, new CharacterFormat(8, Parity.None, 1), 0);
        }

        public override void Reset()
        {
            base.Reset();
            transmitHolds = false;
            isSending = false;
            sendsCharacter = false;
            statusRead = 0;
            idleIsAwaited = false;
            transmission.Cancel();
            // What the far end sends still comes: it knows nothing of the reset.
            RestartReceiver();
            UpdateTransmitLine();
            Update();
        }

        public uint BusFrequency
        {
            set
            {
                if(frequency != value)
                {
                    frequency = value;
                    RestartReceiver();
                }
            }
        }

        public uint BaudRate => divider.Value == 0 ? 0 : frequency / (uint)divider.Value;

        public Bits StopBits => StopBitNames[stop.Value];

        public Parity ParityBit => parityEnabled.Value ? parityIsOdd.Value ? Parity.Odd : Parity.Even : Parity.None;

        // Whether a far end pulls the receive pin up even while no host listens or writes.
        public bool LineIsWired { get; set; }

        public GPIO IRQ { get; } = new GPIO();

        public GPIO ReceiveRequest { get; } = new GPIO();

        public GPIO TransmitRequest { get; } = new GPIO();

        private void DefineRegisters()
        {
            Registers.Status.Define(this, 0xC0)
                .WithFlag(0, out parityError, FieldMode.Read, name: "PE")
                .WithFlag(1, out framingError, FieldMode.Read, name: "FE")
                .WithFlag(2, out noiseError, FieldMode.Read, name: "NE")
                .WithFlag(3, out overrun, FieldMode.Read, name: "ORE")
                .WithFlag(4, out idle, FieldMode.Read, name: "IDLE")
                .WithFlag(5, out received, FieldMode.Read | FieldMode.WriteZeroToClear, name: "RXNE")
                .WithFlag(6, out transmissionComplete, FieldMode.Read | FieldMode.WriteZeroToClear, name: "TC")
                .WithFlag(7, FieldMode.Read, valueProviderCallback: _ => !transmitHolds, name: "TXE")
                .WithFlag(8, FieldMode.Read | FieldMode.WriteZeroToClear, name: "LBD")
                .WithFlag(9, out clearToSendChanged, FieldMode.Read | FieldMode.WriteZeroToClear, name: "CTS")
                .WithReservedBits(10, 22)
                .WithReadCallback((_, value) => statusRead |= value)
                .WithWriteCallback((_, __) => Update());

            Registers.Data.Define(this)
                .WithValueField(0, 9, valueProviderCallback: _ => receiveData, writeCallback: (_, value) => DataWasWritten((uint)value), name: "DR")
                .WithIgnoredBits(9, 23) // narrow writes are repeated over them
                .WithReadCallback((_, __) => DataWasRead());

            Registers.BaudRate.Define(this)
                .WithValueField(0, 16, out divider, changeCallback: (_, __) => DividerChanged(), name: "BRR")
                .WithReservedBits(16, 16);

            Registers.Control1.Define(this)
                .WithFlag(0, out breakRequested, name: "SBK")
                .WithFlag(1, FieldMode.Write, writeCallback: (_, value) => RefuseMode(value, "RWU"), name: "RWU")
                .WithFlag(2, out receiverEnabled, name: "RE")
                .WithFlag(3, out transmitterEnabled, name: "TE")
                .WithFlag(4, out idleInterruptEnabled, name: "IDLEIE")
                .WithFlag(5, out receivedInterruptEnabled, name: "RXNEIE")
                .WithFlag(6, out completeInterruptEnabled, name: "TCIE")
                .WithFlag(7, out emptyInterruptEnabled, name: "TXEIE")
                .WithFlag(8, out parityInterruptEnabled, name: "PEIE")
                .WithFlag(9, out parityIsOdd, name: "PS")
                .WithFlag(10, out parityEnabled, name: "PCE")
                .WithFlag(11, name: "WAKE")
                .WithFlag(12, out nineBits, name: "M")
                .WithFlag(13, out enabled, name: "UE")
                .WithReservedBits(14, 18)
                .WithChangeCallback((old, value) => Control1Changed(old ^ value))
                .WithWriteCallback((_, __) => Update());

            Registers.Control2.Define(this)
                .WithValueField(0, 4, name: "ADD")
                .WithReservedBits(4, 1)
                .WithFlag(5, name: "LBDL")
                .WithFlag(6, name: "LBDIE")
                .WithReservedBits(7, 1)
                .WithValueField(8, 3, name: "LBCL, CPHA, CPOL")
                .WithFlag(11, writeCallback: (_, value) => RefuseMode(value, "CLKEN"), name: "CLKEN")
                .WithValueField(12, 2, out stop, changeCallback: (_, __) => RestartReceiver(), name: "STOP")
                .WithFlag(14, writeCallback: (_, value) => RefuseMode(value, "LINEN"), name: "LINEN")
                .WithReservedBits(15, 17);

            Registers.Control3.Define(this)
                .WithFlag(0, out errorInterruptEnabled, name: "EIE")
                .WithFlag(1, writeCallback: (_, value) => RefuseMode(value, "IREN"), name: "IREN")
                .WithFlag(2, name: "IRLP")
                .WithFlag(3, writeCallback: (_, value) => RefuseMode(value, "HDSEL"), name: "HDSEL")
                .WithFlag(4, name: "NACK")
                .WithFlag(5, writeCallback: (_, value) => RefuseMode(value, "SCEN"), name: "SCEN")
                .WithFlag(6, out receiveRequestEnabled, name: "DMAR")
                .WithFlag(7, out transmitRequestEnabled, name: "DMAT")
                .WithFlag(8, writeCallback: (_, value) => RefuseMode(value, "RTSE"), name: "RTSE")
                .WithFlag(9, out clearToSendEnabled, name: "CTSE")
                .WithFlag(10, out clearToSendInterruptEnabled, name: "CTSIE")
                .WithReservedBits(11, 21)
                .WithWriteCallback((_, __) => Update());

            Registers.GuardTime.Define(this)
                .WithValueField(0, 16, name: "GTPR")
                .WithReservedBits(16, 16);
        }

        private void RefuseMode(bool isSet, string name)
        {
            if(isSet)
            {
                this.Log(LogLevel.Error, "{0} is not modelled.", name);
            }
        }

        private void DividerChanged()
        {
            RestartReceiver();
            UpdateTransmitLine();
        }

        private void Control1Changed(uint changed)
        {
            if((changed & (Enable | ReceiverEnable | NineBits | ParityBits)) != 0)
            {
                RestartReceiver();
            }
            if((changed & (Enable | TransmitterEnable)) != 0)
            {
                TransmitterSwitched();
            }
            if((changed & SendBreak) != 0 && breakRequested.Value && Drives && !isSending)
            {
                StartSending(machine.Now());
            }
        }

        private void Attach(STM32F103_GPIO port, int transmit, int receive)
        {
            if(this.port != null)
            {
                this.port.PinChanged -= PinChanged;
                this.port.ConnectOutside(receivePin, null);
                this.port.RemoveFunction(transmitPin, transmitFunction);
            }
            this.port = port;
            transmitPin = transmit;
            receivePin = receive;
            port.ConnectOutside(receivePin, () => LineIsWired || CharReceived != null ? toChip.LevelAt(machine.Now()) : (bool?)null);
            port.AddFunction(transmitPin, transmitFunction);
            port.PinChanged += PinChanged;
        }

        private void PinChanged(int pin)
        {
            if(pin == transmitPin)
            {
                UpdateTransmitLine();
            }
            else if(pin == receivePin && Receives != receiverRuns)
            {
                RestartReceiver();
            }
        }

        private void HandshakePinChanged(int pin)
        {
            if(pin == clearToSendPin && clearToSendEnabled.Value)
            {
                clearToSendChanged.Value = true;
                if(!isSending)
                {
                    StartSending(machine.Now());
                }
                Update();
            }
        }

        private CharacterFormat Format => new CharacterFormat(nineBits.Value ? 9 : 8, ParityBit, StopBitCounts[stop.Value]);

        private bool DividerIsUsable => frequency > 0 && divider.Value >= SamplesABit;

        // In ns.
        private double BitTime => 1e9 * divider.Value / frequency;

        private void Update()
        {
            IRQ.Set((receivedInterruptEnabled.Value && (received.Value || overrun.Value))
                || (emptyInterruptEnabled.Value && !transmitHolds)
                || (completeInterruptEnabled.Value && transmissionComplete.Value)
                || (idleInterruptEnabled.Value && idle.Value)
                || (parityInterruptEnabled.Value && parityError.Value)
                || (errorInterruptEnabled.Value && receiveRequestEnabled.Value && (framingError.Value || noiseError.Value || overrun.Value))
                || (clearToSendInterruptEnabled.Value && clearToSendChanged.Value));
            ReceiveRequest.Set(receiveRequestEnabled.Value && received.Value);
            TransmitRequest.Set(transmitRequestEnabled.Value && Drives && !transmitHolds);
        }

        private uint frequency;
        private uint statusRead;

        private IFlagRegisterField parityError;
        private IFlagRegisterField framingError;
        private IFlagRegisterField noiseError;
        private IFlagRegisterField overrun;
        private IFlagRegisterField idle;
        private IFlagRegisterField received;
        private IFlagRegisterField transmissionComplete;
        private IFlagRegisterField clearToSendChanged;
        private IFlagRegisterField breakRequested;
        private IFlagRegisterField receiverEnabled;
        private IFlagRegisterField transmitterEnabled;
        private IFlagRegisterField idleInterruptEnabled;
        private IFlagRegisterField receivedInterruptEnabled;
        private IFlagRegisterField completeInterruptEnabled;
        private IFlagRegisterField emptyInterruptEnabled;
        private IFlagRegisterField parityInterruptEnabled;
        private IFlagRegisterField errorInterruptEnabled;
        private IFlagRegisterField clearToSendInterruptEnabled;
        private IFlagRegisterField parityIsOdd;
        private IFlagRegisterField parityEnabled;
        private IFlagRegisterField nineBits;
        private IFlagRegisterField enabled;
        private IFlagRegisterField receiveRequestEnabled;
        private IFlagRegisterField transmitRequestEnabled;
        private IFlagRegisterField clearToSendEnabled;
        private IValueRegisterField divider;
        private IValueRegisterField stop;

        private STM32F103_GPIO port;
        private int transmitPin;
        private int receivePin;

        private readonly STM32F103_GPIO handshakePort;
        private readonly PinFunction transmitFunction;
        private readonly int clearToSendPin;
        private readonly Waveform toChip = new Waveform();
        private readonly Waveform fromChip = new Waveform();
        private readonly FarEnd farEnd;
        private readonly SerialReceiver receiver;
        private readonly Alarm arrival;
        private readonly Alarm reception;
        private readonly Alarm transmission;
        private readonly Alarm farReception;

        private const double UsualBaudRate = 115200;
        private const uint SamplesABit = 16;
        private const uint TransmissionComplete = 1 << 6; // of SR
        private const uint SendBreak = 1 << 0; // of CR1
        private const uint ReceiverEnable = 1 << 2;
        private const uint TransmitterEnable = 1 << 3;
        private const uint ParityBits = 3 << 9;
        private const uint NineBits = 1 << 12;
        private const uint Enable = 1 << 13;
        private static readonly double[] StopBitCounts = { 1, 0.5, 2, 1.5 }; // by CR2.STOP
        private static readonly Bits[] StopBitNames = { Bits.One, Bits.Half, Bits.Two, Bits.OneAndAHalf };

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
