// The USB device, RM0008 chapter 23: endpoint registers with their toggle bits, packet memory, events and interrupts.
// The host is in UsbHost.cs; without one attached the bus stays silent. Not modelled: double buffers, isochronous
// endpoints, suspend by itself.

using System;
using System.Collections.Generic;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Miscellaneous;
using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.USB
{
    public partial class STM32F103_USB : STM32F103_Peripheral
    {
        public STM32F103_USB(IMachine machine, STM32F103_RCC rcc, STM32F103_UsbMemory memory) : base(machine)
        {
            this.rcc = rcc;
            this.memory = memory;
            frame = new Alarm(machine, this, "frame", FrameBegins);
            bus = new Alarm(machine, this, "bus", NextTransaction);
            Reset();
        }

        public override void Reset()
        {
            control = PowerDown | ForceReset;
            bufferTable = 0;
            ResetFunction();
            frame.Cancel();
            bus.Cancel();
            Update();
        }

        public override uint ReadDoubleWord(long offset)
        {
            switch(offset)
            {
            case 0x40: return control;
            case 0x44: return events | Transfers;
            case 0x48: return frameNumber | (IsAttached ? 0x2000u : 0xC000u);
            case 0x4C: return address;
            case 0x50: return bufferTable;
            default: return offset < 0x20 ? endpoints[offset / 4] : 0;
            }
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            value &= 0xFFFF;
            switch(offset)
            {
            case 0x40:
                WriteControl(value);
                break;
            case 0x44:
                events &= value;
                break;
            case 0x4C:
                address = value & 0xFF;
                break;
            case 0x50:
                bufferTable = value & 0xFFF8;
                break;
            default:
                if(offset < 0x20)
                {
                    WriteEndpoint((int)offset / 4, value);
                }
                break;
            }
            Update();
        }

        public GPIO LowPriorityInterrupt { get; } = new GPIO();

        public GPIO WakeUpLine { get; } = new GPIO();

        private bool IsRunning => (control & (PowerDown | ForceReset)) == 0;

        private void WriteControl(uint value)
        {
            var wasReset = (control & ForceReset) != 0;
            control = value & 0xFF1F;
            if((control & ForceReset) != 0)
            {
                ResetFunction();
                events |= ResetEvent;
                return;
            }
            if(wasReset && rcc.UsbFrequency != RightFrequency)
            {
                this.Log(LogLevel.Error, "The USB's clock is {0} Hz instead of 48 MHz.", rcc.UsbFrequency);
            }
            if(IsRunning && IsAttached && !frame.IsSet)
            {
                frame.SetIn(FrameTime);
            }
        }

        // Bits that a one toggles, bits that a zero clears, and bits that keep what is written, 23.5.2.
        private void WriteEndpoint(int number, uint value)
        {
            var old = endpoints[number];
            var result = (value & PlainBits) | ((old ^ value) & ToggleBits) | (old & value & TransferBits) | (old & SetupBit);
            endpoints[number] = result;
            if(bus.IsSet)
            {
                return;
            }
            WakeHost();
        }

        private void ResetFunction()
        {
            Array.Clear(endpoints, 0, endpoints.Length);
            address = 0;
            events = 0;
        }

        // The pending transfer of the lowest endpoint: CTR, DIR and EP_ID.
        private uint Transfers
        {
            get
            {
                for(var k = 0u; k < endpoints.Length; k++)
                {
                    if((endpoints[k] & TransferBits) != 0)
                    {
                        return 0x8000 | ((endpoints[k] & 0x8000) != 0 ? 0x10u : 0) | k;
                    }
                }
                return 0;
            }
        }

        private void Update()
        {
            LowPriorityInterrupt.Set(((events | Transfers) & control & 0xFF00) != 0);
        }

        // --- What the host's packets do -------------------------------------------------------------------------------

        private int FindEndpoint(uint number)
        {
            return Array.FindIndex(endpoints, (register) => (register & 0xF) == number && (register & (ToggleBits & 0x3030)) != 0);
        }

        private uint Descriptor(int endpoint, int field) => memory.Read(bufferTable + 8 * (uint)endpoint + 2 * (uint)field);

        private Handshake Out(uint number, byte[] data, bool isSetup)
        {
            var k = FindEndpoint(number);
            if(k < 0)
            {
                return Handshake.None;
            }
            var state = endpoints[k] >> 12 & 3;
            if(!isSetup && state != Valid)
            {
                return state == Stalled ? Handshake.Stall : state == 0 ? Handshake.None : Handshake.NotReady;
            }
            var at = Descriptor(k, 2);
            for(var n = 0; n < data.Length; n++)
            {
                memory.WriteOne(at + (uint)n, data[n]);
            }
            var count = Descriptor(k, 3);
            memory.Write(bufferTable + 8 * (uint)k + 6, (count & 0xFC00) | (uint)data.Length);
            var register = (endpoints[k] & ~(0x3000u | SetupBit)) | NotReadyState << 12 | 0x8000;
            if(isSetup)
            {
                register = (register & ~0x30u) | SetupBit | NotReadyState << 4 | 0x4040;
            }
            else
            {
                register ^= 0x4000;
            }
            endpoints[k] = register;
            Update();
            return Handshake.Acknowledged;
        }

        private Handshake In(uint number, out byte[] data)
        {
            data = null;
            var k = FindEndpoint(number);
            if(k < 0)
            {
                return Handshake.None;
            }
            var state = endpoints[k] >> 4 & 3;
            if(state != Valid)
            {
                return state == Stalled ? Handshake.Stall : state == 0 ? Handshake.None : Handshake.NotReady;
            }
            var at = Descriptor(k, 0);
            data = Enumerable.Range(0, (int)(Descriptor(k, 1) & 0x3FF)).Select(n => memory.ReadOne(at + (uint)n)).ToArray();
            endpoints[k] = ((endpoints[k] & ~0x30u) | NotReadyState << 4 | 0x80) ^ 0x40;
            Update();
            return Handshake.Acknowledged;
        }

        private uint control;
        private uint events;
        private uint frameNumber;
        private uint address;
        private uint bufferTable;

        private readonly uint[] endpoints = new uint[8];
        private readonly STM32F103_RCC rcc;
        private readonly STM32F103_UsbMemory memory;
        private readonly Alarm frame;
        private readonly Alarm bus;

        private const uint RightFrequency = 48000000;
        private const uint ForceReset = 1 << 0; // of CNTR
        private const uint PowerDown = 1 << 1;
        private const uint StartOfFrame = 1 << 9; // of ISTR
        private const uint ResetEvent = 1 << 10;
        private const uint PlainBits = 0x070F; // of EPnR
        private const uint ToggleBits = 0x7070;
        private const uint TransferBits = 0x8080;
        private const uint SetupBit = 1 << 11;
        private const uint Stalled = 1;
        private const uint NotReadyState = 2;
        private const uint Valid = 3;

        private enum Handshake
        {
            None,
            Acknowledged,
            NotReady,
            Stall,
        }
    }

    // The packet memory: 256 half-words, each in a word of the processor's map, 23.3.
    public class STM32F103_UsbMemory : STM32F103_Peripheral
    {
        public STM32F103_UsbMemory(IMachine machine) : base(machine)
        {
        }

        public override void Reset()
        {
        }

        public override uint ReadDoubleWord(long offset) => Read((uint)offset / 2);

        public override void WriteDoubleWord(long offset, uint value) => Write((uint)offset / 2, value);

        // at: an address as the USB counts it
        public uint Read(uint at) => at / 2 < content.Length ? content[at / 2] : (ushort)0;

        public void Write(uint at, uint value)
        {
            if(at / 2 < content.Length)
            {
                content[at / 2] = (ushort)value;
            }
        }

        public byte ReadOne(uint at) => (byte)(Read(at) >> 8 * (int)(at & 1));

        public void WriteOne(uint at, byte value)
        {
            var shift = 8 * (int)(at & 1);
            Write(at, (Read(at) & ~(0xFFu << shift)) | (uint)value << shift);
        }

        private readonly ushort[] content = new ushort[256];
    }
}
