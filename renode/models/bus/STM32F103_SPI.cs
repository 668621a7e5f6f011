// An SPI, RM0008 chapter 25: a master that shifts at its baud rate, or a slave of another of the chip's SPIs. A lost
// character is an overrun, as on silicon. Peripherals of Renode are attached with `@ spi1`; a chip-select pin is wired
// with `gpioPortA: 4 -> spi1@0`. I2S, which the medium-density parts lack, and hardware NSS as an input are not modelled.

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.GPIOPort;
using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.SPI
{
    public class STM32F103_SPI : NullRegistrationPointPeripheralContainer<ISPIPeripheral>, IDoubleWordPeripheral, IWordPeripheral,
        IBytePeripheral, IKnownSize, IClockedByBus, IGPIOReceiver
    {
        public STM32F103_SPI(IMachine machine, STM32F103_AFIO afio, int number) : base(machine)
        {
            shift = new Alarm(machine, this, "shift", CharacterIsOver);
            afio.Connect($"SPI{number}_SCK", () => DrivesAs(true, (control & 2) != 0), null);
            afio.Connect($"SPI{number}_MOSI", () => DrivesAs(true, false), null);
            afio.Connect($"SPI{number}_NSS", () => (control2 & 4) != 0 ? DrivesAs(true, false) : null, null);
            dataIn = afio.Connect($"SPI{number}_MISO", () => DrivesAs(false, false), null);
            Reset();
        }

        public override void Reset()
        {
            shift.Cancel();
            control = 0;
            control2 = 0;
            status = TransmitEmpty;
            receiveData = 0;
            polynomial = 7;
            ClearChecksums();
            Update();
        }

        public uint BusFrequency
        {
            set => frequency = value;
        }

        // The chip-select wire: high ends the peripheral's transmission.
        public void OnGPIO(int number, bool value)
        {
            if(value)
            {
                RegisteredPeripheral?.FinishTransmission();
            }
        }

        // Wires another SPI of the chip to this one, which is the master.
        public void ConnectSlave(STM32F103_SPI other)
        {
            slave = other;
        }

        // A wire from MOSI to MISO.
        public bool LoopbackWire { get; set; }

        public uint ReadDoubleWord(long offset)
        {
            switch(offset)
            {
            case 0x00: return control;
            case 0x04: return control2;
            case 0x08:
                statusRead = status;
                if((statusRead & Overrun) != 0 && dataReadSinceOverrun)
                {
                    status &= ~Overrun;
                    Update();
                }
                return statusRead;
            case 0x0C:
                status &= ~ReceiveFull;
                dataReadSinceOverrun = (status & Overrun) != 0;
                Update();
                return receiveData;
            case 0x10: return polynomial;
            case 0x14: return receiveChecksum;
            case 0x18: return transmitChecksum;
            case 0x20: return 2;
            default: return 0;
            }
        }

        public void WriteDoubleWord(long offset, uint value)
        {
            value &= 0xFFFF;
            switch(offset)
            {
            case 0x00:
                WriteControl(value);
                break;
            case 0x04:
                control2 = value & 0xE7;
                break;
            case 0x08:
                status &= value | ~ChecksumError;
                break;
            case 0x0C:
                if((status & TransmitEmpty) == 0)
                {
                    this.Log(LogLevel.Error, "A character was written while the data register was full: one is lost.");
                }
                transmitData = value;
                status &= ~TransmitEmpty;
                StartIfPossible();
                break;
            case 0x10:
                polynomial = value;
                break;
            }
            Update();
        }

        public ushort ReadWord(long offset) => (ushort)BusBridge.Shift(ReadDoubleWord(BusBridge.Align(offset)), offset);

        public void WriteWord(long offset, ushort value) => WriteDoubleWord(BusBridge.Align(offset), BusBridge.Repeat(value));

        public byte ReadByte(long offset) => (byte)BusBridge.Shift(ReadDoubleWord(BusBridge.Align(offset)), offset);

        public void WriteByte(long offset, byte value) => WriteDoubleWord(BusBridge.Align(offset), BusBridge.Repeat(value));

        public long Size => 0x400;

        public GPIO IRQ { get; } = new GPIO();

        public GPIO ReceiveRequest { get; } = new GPIO();

        public GPIO TransmitRequest { get; } = new GPIO();

        private bool IsEnabled => (control & Enable) != 0;

        private bool IsMaster => (control & Master) != 0;

        // A master that only receives has its clock on as long as it is enabled, 25.3.4.
        private bool OnlyReceives => (control & 0x400) != 0 || (control & 0xC000) == 0x8000;

        private int Bits => (control & 0x800) != 0 ? 16 : 8;

        private bool? DrivesAs(bool master, bool level) => IsEnabled && IsMaster == master ? level : (bool?)null;

        private void WriteControl(uint value)
        {
            var wasEnabled = IsEnabled;
            if(wasEnabled && shift.IsSet && (value & Enable) == 0)
            {
                this.Log(LogLevel.Error, "SPE was cleared while a character was on its way.");
                shift.Cancel();
            }
            if((statusRead & ModeFault) != 0)
            {
                status &= ~ModeFault;
            }
            if((value & ChecksumEnable) != 0 && (control & ChecksumEnable) == 0)
            {
                ClearChecksums();
            }
            control = value;
            // NSS by software and low: another master has the bus, 25.3.10.
            if(IsMaster && IsEnabled && (control & 0x300) == 0x200 && (control2 & 4) == 0)
            {
                status |= ModeFault;
                control &= ~(Enable | Master);
                this.Log(LogLevel.Error, "Mode fault: SSM is set and SSI is not.");
            }
            if(wasEnabled && !IsEnabled)
            {
                RegisteredPeripheral?.FinishTransmission();
            }
            StartIfPossible();
        }

        private void StartIfPossible()
        {
            if(!IsEnabled || !IsMaster || shift.IsSet || frequency == 0)
            {
                return;
            }
            var sendsChecksum = (control & ChecksumNext) != 0 && (control & ChecksumEnable) != 0 && (status & TransmitEmpty) != 0 && checksumIsDue;
            if((status & TransmitEmpty) != 0 && !OnlyReceives && !sendsChecksum)
            {
                return;
            }
            isChecksum = sendsChecksum;
            checksumIsDue = !sendsChecksum;
            shifted = sendsChecksum ? transmitChecksum : OnlyReceives ? 0xFFFF : transmitData;
            if(!sendsChecksum)
            {
                status |= TransmitEmpty;
            }
            else
            {
                control &= ~ChecksumNext;
            }
            shift.SetIn(Bits * (2u << (int)(control >> 3 & 7)) * 1e9 / frequency);
        }

        private void CharacterIsOver()
        {
            Receive(Exchange(shifted));
            StartIfPossible();
            Update();
        }

        private uint Exchange(uint value)
        {
            if(slave != null)
            {
                return slave.ShiftAsSlave(value);
            }
            if(LoopbackWire)
            {
                return value;
            }
            if(RegisteredPeripheral == null)
            {
                return dataIn.Level ? Bits == 16 ? 0xFFFFu : 0xFFu : 0;
            }
            return Bits == 16 ? (uint)Send(value >> 8) << 8 | Send(value) : Send(value);
        }

        private byte Send(uint value)
        {
            var lowestFirst = (control & 0x80) != 0;
            var answer = RegisteredPeripheral.Transmit(lowestFirst ? Reverse((byte)value) : (byte)value);
            return lowestFirst ? Reverse(answer) : answer;
        }

        private static byte Reverse(byte value)
        {
            var result = 0;
            for(var k = 0; k < 8; k++)
            {
                result |= (value >> k & 1) << 7 - k;
            }
            return (byte)result;
        }

        // The answer is what was in the data register before the master's clock came, 25.3.2.
        private uint ShiftAsSlave(uint value)
        {
            if(!IsEnabled || IsMaster || (control & 0x300) == 0x300)
            {
                return Bits == 16 ? 0xFFFFu : 0xFFu;
            }
            var answer = transmitData;
            if((control & ChecksumEnable) != 0)
            {
                transmitChecksum = Checksum(transmitChecksum, answer);
            }
            status |= TransmitEmpty;
            Receive(value);
            Update();
            return answer;
        }

        private void Receive(uint value)
        {
            value &= Bits == 16 ? 0xFFFFu : 0xFFu;
            if((control & ChecksumEnable) != 0 && IsMaster)
            {
                if(isChecksum)
                {
                    status |= value != receiveChecksum ? ChecksumError : 0;
                }
                else
                {
                    transmitChecksum = Checksum(transmitChecksum, shifted);
                }
            }
            if((control & ChecksumEnable) != 0 && !isChecksum)
            {
                receiveChecksum = Checksum(receiveChecksum, value);
            }
            if((status & ReceiveFull) != 0)
            {
                status |= Overrun; // the data register keeps the older character
                dataReadSinceOverrun = false;
                return;
            }
            receiveData = value;
            status |= ReceiveFull;
        }

        private uint Checksum(uint checksum, uint value)
        {
            var top = 1u << Bits - 1;
            checksum ^= value & (top << 1) - 1;
            for(var k = 0; k < Bits; k++)
            {
                checksum = (checksum & top) != 0 ? checksum << 1 ^ polynomial : checksum << 1;
            }
            return checksum & (top << 1) - 1;
        }

        private void ClearChecksums()
        {
            receiveChecksum = 0;
            transmitChecksum = 0;
            checksumIsDue = true;
            isChecksum = false;
        }

        private void Update()
        {
            status = shift.IsSet ? status | Busy : status & ~Busy;
            var errors = status & (ChecksumError | ModeFault | Overrun);
            IRQ.Set(((control2 & 0x20) != 0 && errors != 0) || ((control2 & 0x40) != 0 && (status & ReceiveFull) != 0)
                || ((control2 & 0x80) != 0 && (status & TransmitEmpty) != 0));
            ReceiveRequest.Set((control2 & 1) != 0 && (status & ReceiveFull) != 0);
            TransmitRequest.Set((control2 & 2) != 0 && IsEnabled && (status & TransmitEmpty) != 0);
        }

        private uint frequency;
        private uint control;
        private uint control2;
        private uint status;
        private uint statusRead;
        private uint transmitData;
        private uint receiveData;
        private uint shifted;
        private uint polynomial;
        private uint receiveChecksum;
        private uint transmitChecksum;
        private bool dataReadSinceOverrun;
        private bool checksumIsDue;
        private bool isChecksum;
        private STM32F103_SPI slave;

        private readonly Alarm shift;
        private readonly PinFunction dataIn;

        private const uint Master = 1 << 2; // of CR1
        private const uint Enable = 1 << 6;
        private const uint ChecksumNext = 1 << 12;
        private const uint ChecksumEnable = 1 << 13;
        private const uint ReceiveFull = 1 << 0; // of SR
        private const uint TransmitEmpty = 1 << 1;
        private const uint ChecksumError = 1 << 4;
        private const uint ModeFault = 1 << 5;
        private const uint Overrun = 1 << 6;
        private const uint Busy = 1 << 7;
    }
}
