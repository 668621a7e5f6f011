// An I2C as a master, RM0008 26.3.3: every event is cleared by its own sequence of reads and writes, a byte takes the
// time that CCR gives it, and the line is stretched while no program serves it. Peripherals of Renode are attached with
// `@ i2c1 ADDRESS`. Slave mode, SMBus, the packet error code and ten-bit addresses are not modelled.

using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.DMA;
using Antmicro.Renode.Peripherals.GPIOPort;
using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.I2C
{
    public class STM32F103_I2C : SimpleContainer<II2CPeripheral>, IDoubleWordPeripheral, IWordPeripheral, IBytePeripheral, IKnownSize, IClockedByBus
    {
        // receiveChannel: the DMA channel whose last item ends a reception, CR2.LAST
        public STM32F103_I2C(IMachine machine, STM32F103_AFIO afio, STM32F103_DMA dma, int number, int receiveChannel) : base(machine)
        {
            this.dma = dma;
            this.receiveChannel = receiveChannel;
            bus = new Alarm(machine, this, "bus", StepIsOver);
            afio.Connect($"I2C{number}_SCL", () => IsEnabled ? true : (bool?)null, null);
            afio.Connect($"I2C{number}_SDA", () => IsEnabled ? true : (bool?)null, null);
            Reset();
        }

        public override void Reset()
        {
            control = 0;
            control2 = 0;
            ownAddress = 0;
            ownAddress2 = 0;
            clockControl = 0;
            riseTime = 2;
            Release();
            flags = 0;
            Update();
        }

        public uint BusFrequency
        {
            set => frequency = value;
        }

        public uint ReadDoubleWord(long offset)
        {
            switch(offset)
            {
            case 0x00: return control;
            case 0x04: return control2;
            case 0x08: return ownAddress;
            case 0x0C: return ownAddress2;
            case 0x10: return ReadData();
            case 0x14:
                flagsRead = flags;
                return flags;
            case 0x18:
                if((flagsRead & AddressSent) != 0 && (flags & AddressSent) != 0)
                {
                    AddressWasSeen();
                }
                return (isMaster ? 1u : 0) | (isBusy ? 2u : 0) | (isMaster && !isReading && addressIsDone ? 4u : 0);
            case 0x1C: return clockControl;
            case 0x20: return riseTime;
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
                control2 = value & 0x1F3F;
                break;
            case 0x08:
                ownAddress = value & 0xC3FF;
                break;
            case 0x0C:
                ownAddress2 = value & 0xFF;
                break;
            case 0x10:
                WriteData(value & 0xFF);
                break;
            case 0x14:
                flags &= value | 0xFF; // the errors are cleared by zeros
                break;
            case 0x1C:
                clockControl = value & 0xCFFF;
                break;
            case 0x20:
                riseTime = value & 0x3F;
                break;
            }
            Update();
        }

        public ushort ReadWord(long offset) => (ushort)BusBridge.Shift(ReadDoubleWord(BusBridge.Align(offset)), offset);

        public void WriteWord(long offset, ushort value) => WriteDoubleWord(BusBridge.Align(offset), BusBridge.Repeat(value));

        public byte ReadByte(long offset) => (byte)BusBridge.Shift(ReadDoubleWord(BusBridge.Align(offset)), offset);

        public void WriteByte(long offset, byte value) => WriteDoubleWord(BusBridge.Align(offset), BusBridge.Repeat(value));

        public long Size => 0x400;

        public GPIO EventInterrupt { get; } = new GPIO();

        public GPIO ErrorInterrupt { get; } = new GPIO();

        public GPIO ReceiveRequest { get; } = new GPIO();

        public GPIO TransmitRequest { get; } = new GPIO();

        private bool IsEnabled => (control & 1) != 0;

        // In ns.
        private double BitTime
        {
            get
            {
                var clocks = (clockControl & 0x8000) == 0 ? 2 : (clockControl & 0x4000) == 0 ? 3 : 25;
                return System.Math.Max(1, clockControl & 0xFFF) * clocks * 1e9 / System.Math.Max(1, frequency);
            }
        }

        private void WriteControl(uint value)
        {
            if((value & SoftwareReset) != 0)
            {
                Reset();
                control = SoftwareReset;
                return;
            }
            if((value & 0x303A) != 0)
            {
                this.Log(LogLevel.Warning, "SMBus and the packet error code: I2C_CR1 0x{0:X4} is not modelled.", value);
            }
            control = value & 0x3FFB;
            if(!IsEnabled)
            {
                Release();
                flags = 0;
                control &= ~(Start | Stop | Acknowledge);
                return;
            }
            Proceed();
        }

        // --- What happens on the bus ----------------------------------------------------------------------------------

        // Begins what can begin now: nothing while a step is on its way.
        private void Proceed()
        {
            if(bus.IsSet || !IsEnabled)
            {
                return;
            }
            if((control & Stop) != 0 && isMaster && (flags & (StartSent | AddressSent)) == 0)
            {
                Begin(Step.Stop, 1);
            }
            else if((control & Stop) != 0 && !isMaster)
            {
                control &= ~Stop;
            }
            else if((control & Start) != 0 && (!isMaster || addressIsDone || (flags & AcknowledgeFailure) != 0))
            {
                Begin(Step.Start, 1);
            }
            else if(addressIsDone && !isReading && dataIsFull)
            {
                shifted = data;
                dataIsFull = false;
                flags = (flags | TransmitEmpty) & ~ByteFinished;
                Begin(Step.Send, 9);
            }
            else if(addressIsDone && isReading && !isRefused && !shiftIsFull)
            {
                Begin(Step.Receive, 9);
            }
        }

        private void Begin(Step next, int bits)
        {
            step = next;
            bus.SetIn(bits * BitTime);
        }

        private void StepIsOver()
        {
            switch(step)
            {
            case Step.Start:
                Flush();
                control &= ~Start;
                isMaster = true;
                isBusy = true;
                addressIsDone = false;
                dataIsFull = false;
                flags = (flags | StartSent) & ~(TransmitEmpty | ByteFinished | AcknowledgeFailure);
                break;
            case Step.Address:
                if(TryGetByAddress((int)shifted >> 1, out device))
                {
                    isReading = (shifted & 1) != 0;
                    flags |= AddressSent;
                }
                else
                {
                    device = null;
                    flags |= AcknowledgeFailure;
                }
                break;
            case Step.Send:
                written.Add((byte)shifted);
                flags |= dataIsFull ? 0 : ByteFinished;
                break;
            case Step.Receive:
                ReceiveByte();
                break;
            case Step.Stop:
                control &= ~Stop;
                Flush();
                device?.FinishTransmission();
                var keeps = flags & (ReceiveFull | AcknowledgeFailure | ByteFinished);
                var keepsShift = shiftIsFull;
                Release();
                flags = keeps;
                shiftIsFull = keepsShift;
                if(!shiftIsFull)
                {
                    flags &= ~ByteFinished;
                }
                break;
            }
            Proceed();
            Update();
        }

        private void ReceiveByte()
        {
            // Some of Renode's peripherals give more than they are asked for.
            if(answer.Count == 0)
            {
                foreach(var value in device.Read(1))
                {
                    answer.Enqueue(value);
                }
            }
            shifted = answer.Count > 0 ? answer.Dequeue() : 0xFFu;
            var acknowledges = (control & Acknowledge) != 0;
            // With POS the bit speaks of the next byte, 26.6.1.
            var now = (control & Position) != 0 ? acknowledgesNext : acknowledges;
            acknowledgesNext = acknowledges;
            if((control2 & 0x1800) == 0x1800 && dma.Remaining(receiveChannel) <= 1)
            {
                now = false;
            }
            isRefused = !now;
            shiftIsFull = true;
            MoveToData();
        }

        private void MoveToData()
        {
            if(!shiftIsFull)
            {
                return;
            }
            if((flags & ReceiveFull) != 0)
            {
                flags |= ByteFinished; // the line is stretched
                return;
            }
            data = shifted;
            shiftIsFull = false;
            flags = (flags | ReceiveFull) & ~ByteFinished;
        }

        private void AddressWasSeen()
        {
            flags &= ~AddressSent;
            flagsRead = 0;
            answer.Clear();
            addressIsDone = true;
            isRefused = false;
            acknowledgesNext = true;
            flags |= isReading ? 0 : TransmitEmpty;
            Proceed();
            Update();
        }

        private void WriteData(uint value)
        {
            if((flags & StartSent) != 0)
            {
                if((flagsRead & StartSent) == 0)
                {
                    this.Log(LogLevel.Warning, "The address was written without a read of SR1.");
                }
                flags &= ~StartSent;
                shifted = value;
                Begin(Step.Address, 9);
                return;
            }
            if(!isMaster || !addressIsDone || isReading)
            {
                this.Log(LogLevel.Warning, "I2C_DR was written while nothing is sent.");
                return;
            }
            if(dataIsFull)
            {
                this.Log(LogLevel.Error, "A byte was written while the data register was full: one is lost.");
            }
            data = value;
            dataIsFull = true;
            flags &= ~(TransmitEmpty | ByteFinished);
            Proceed();
        }

        private uint ReadData()
        {
            var value = data;
            flags &= ~(ReceiveFull | ByteFinished);
            MoveToData();
            Proceed();
            Update();
            return value;
        }

        private void Flush()
        {
            if(written.Count > 0)
            {
                device?.Write(written.ToArray());
                written.Clear();
            }
        }

        private void Release()
        {
            bus.Cancel();
            isMaster = false;
            isBusy = false;
            addressIsDone = false;
            isReading = false;
            dataIsFull = false;
            shiftIsFull = false;
            device = null;
            written.Clear();
        }

        private void Update()
        {
            var buffers = (control2 & 0x400) != 0 ? flags & (TransmitEmpty | ReceiveFull) : 0;
            EventInterrupt.Set((control2 & 0x200) != 0 && ((flags & (StartSent | AddressSent | ByteFinished)) | buffers) != 0);
            ErrorInterrupt.Set((control2 & 0x100) != 0 && (flags & 0xFF00) != 0);
            var requests = (control2 & 0x800) != 0;
            ReceiveRequest.Set(requests && (flags & ReceiveFull) != 0);
            TransmitRequest.Set(requests && (flags & TransmitEmpty) != 0);
        }

        private uint frequency;
        private uint control;
        private uint control2;
        private uint ownAddress;
        private uint ownAddress2;
        private uint clockControl;
        private uint riseTime;
        private uint flags; // SR1
        private uint flagsRead;
        private uint data;
        private uint shifted;
        private bool dataIsFull;
        private bool shiftIsFull;
        private bool isMaster;
        private bool isBusy;
        private bool isReading;
        private bool addressIsDone;
        private bool isRefused; // the last byte of a reception was not acknowledged
        private bool acknowledgesNext;
        private Step step;
        private II2CPeripheral device;

        private readonly STM32F103_DMA dma;
        private readonly int receiveChannel;
        private readonly Alarm bus;
        private readonly Queue<byte> answer = new Queue<byte>();
        private readonly List<byte> written = new List<byte>();

        private const uint Start = 1 << 8; // of CR1
        private const uint Stop = 1 << 9;
        private const uint Acknowledge = 1 << 10;
        private const uint Position = 1 << 11;
        private const uint SoftwareReset = 1 << 15;
        private const uint StartSent = 1 << 0; // of SR1
        private const uint AddressSent = 1 << 1;
        private const uint ByteFinished = 1 << 2;
        private const uint ReceiveFull = 1 << 6;
        private const uint TransmitEmpty = 1 << 7;
        private const uint AcknowledgeFailure = 1 << 10;

        private enum Step
        {
            Start,
            Address,
            Send,
            Receive,
            Stop,
        }
    }
}
