// The seven channels of DMA1, RM0008 chapter 13. A channel whose request line is high moves one item at a time, at
// once; memory to memory goes at the bus's pace. Among the channels that can go, priority and then the lower number
// decide.

using System;
using System.Collections.Generic;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Miscellaneous;
using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.DMA
{
    public class STM32F103_DMA : STM32F103_Peripheral, IGPIOReceiver, INumberedGPIOOutput, IClockedByBus
    {
        public STM32F103_DMA(IMachine machine, STM32F103_MemoryMap memoryMap) : base(machine)
        {
            pace = new Alarm(machine, this, "pace", Serve);
            channels = Enumerable.Range(1, Channels).Select(number => new DmaChannel(this, sysbus, memoryMap, number)).ToArray();
            Connections = channels.ToDictionary(channel => channel.Number, channel => (IGPIO)channel.IRQ);
            DefineRegisters();
        }

        public override void Reset()
        {
            base.Reset();
            pace.Cancel();
            foreach(var channel in channels)
            {
                channel.Reset();
            }
        }

        // A request line. Its last digit is the channel; those of one channel differ in the others, table 78. A line
        // above 100 gives pulses, each of which asks for one item; the others ask while they are high.
        public void OnGPIO(int number, bool value)
        {
            var channel = channels[number % 10 - 1];
            if(number > Pulses)
            {
                channel.IsPulsed |= value;
            }
            else
            {
                var source = 1u << number / 10;
                channel.Requests = value ? channel.Requests | source : channel.Requests & ~source;
            }
            Serve();
        }

        public uint BusFrequency
        {
            set
            {
                frequency = value;
                Serve();
            }
        }

        public IReadOnlyDictionary<int, IGPIO> Connections { get; }

        // How many items a channel still has to move.
        public ulong Remaining(int channel) => channels[channel - 1].Remaining;

        // Moves what can be moved now. A transfer may raise or lower a request on its way.
        public void Serve()
        {
            if(isServing || frequency == 0)
            {
                return;
            }
            isServing = true;
            var copied = 0;
            while(NextChannel(copied < ItemsAtOnce) is DmaChannel channel)
            {
                channel.Move();
                copied += channel.CopiesMemory ? 1 : 0;
            }
            isServing = false;
            if(copied > 0)
            {
                pace.SetIn(copied * CyclesAnItem * 1e9 / frequency);
            }
        }

        private DmaChannel NextChannel(bool mayCopyMemory)
        {
            return channels.Where(channel => channel.CopiesMemory ? mayCopyMemory && !pace.IsSet && channel.CanMove : channel.CanMove && channel.IsRequested)
                .OrderByDescending(channel => channel.Priority).FirstOrDefault();
        }

        private void DefineRegisters()
        {
            var status = Registers.InterruptStatus.Define(this);
            var clear = Registers.InterruptFlagClear.Define(this).WithWriteCallback((_, __) => Serve());
            foreach(var channel in channels)
            {
                var position = DmaChannel.FlagsWidth * (channel.Number - 1);
                status.WithValueField(position, DmaChannel.FlagsWidth, FieldMode.Read, valueProviderCallback: _ => channel.Flags, name: $"flags of channel {channel.Number}");
                clear.WithValueField(position, DmaChannel.FlagsWidth, FieldMode.Write, writeCallback: (_, value) => channel.ClearFlags((uint)value), name: $"clears of channel {channel.Number}");
                channel.DefineRegisters(RegistersCollection, FirstChannel + ChannelSize * (channel.Number - 1));
            }
            status.WithReservedBits(28, 4);
            clear.WithReservedBits(28, 4);
        }

        private bool isServing;
        private uint frequency;

        private readonly DmaChannel[] channels;
        private readonly Alarm pace;

        private const int Channels = 7;
        private const int Pulses = 100;
        private const long FirstChannel = 0x08;
        private const long ChannelSize = 0x14;
        private const int ItemsAtOnce = 8; // of memory to memory, so that not each costs an event
        private const double CyclesAnItem = 5; // 13.3.1

        private enum Registers
        {
            InterruptStatus = 0x0,
            InterruptFlagClear = 0x4,
        }
    }
}
