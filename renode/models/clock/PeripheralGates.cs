// Which bit of the RCC's enable and reset registers belongs to the peripheral at which address, RM0008 7.3.4 to 7.3.8
// and table 3. A peripheral without a clock, or held in reset, does not answer: Renode logs the access.

using System.Collections.Generic;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Bus;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public enum ClockBus
    {
        Ahb,
        Apb1,
        Apb2,
    }

    public class PeripheralGates
    {
        public PeripheralGates(IMachine machine)
        {
            this.machine = machine;
            // A chip that was just made has every clock off.
            machine.PeripheralsChanged += (_, args) =>
            {
                if(args is PeripheralsAddedEventArgs added && added.RegistrationPoint is BusRangeRegistration place
                    && gates.Any(gate => gate.Address == place.Range.StartAddress))
                {
                    machine.SystemBus.SetPeripheralEnabled(added.Peripheral, false);
                }
            };
        }

        public void Reset()
        {
            foreach(var gate in gates)
            {
                gate.IsEnabled = false;
                gate.IsHeldInReset = false;
                Apply(gate);
            }
        }

        public void Enable(ClockBus bus, uint bits)
        {
            foreach(var gate in GatesOf(bus))
            {
                gate.IsEnabled = (bits >> gate.Bit & 1) != 0;
                Apply(gate);
            }
        }

        public void HoldInReset(ClockBus bus, uint bits)
        {
            foreach(var gate in GatesOf(bus))
            {
                gate.IsHeldInReset = (bits >> gate.Bit & 1) != 0;
                if(gate.IsHeldInReset)
                {
                    PeripheralAt(gate)?.Reset();
                }
                Apply(gate);
            }
        }

        // In Hz: the bus's clock and that of the timers on it.
        public void SetFrequency(ClockBus bus, uint frequency, uint timerFrequency)
        {
            frequencies[bus] = frequency;
            timerFrequencies[bus] = timerFrequency;
            foreach(var gate in GatesOf(bus))
            {
                Apply(gate);
            }
        }

        // Whether the buses have no clock, as in the stop mode.
        public bool IsStopped
        {
            set
            {
                if(isStopped != value)
                {
                    isStopped = value;
                    foreach(var gate in gates)
                    {
                        Apply(gate);
                    }
                }
            }
        }

        private IEnumerable<Gate> GatesOf(ClockBus bus) => gates.Where(gate => gate.Bus == bus);

        private void Apply(Gate gate)
        {
            var peripheral = PeripheralAt(gate);
            if(peripheral == null)
            {
                return;
            }
            var runs = gate.IsEnabled && !gate.IsHeldInReset;
            machine.SystemBus.SetPeripheralEnabled(peripheral, runs);
            runs &= !isStopped;
            if(peripheral is IClockedByBus clocked)
            {
                clocked.BusFrequency = runs && frequencies.TryGetValue(gate.Bus, out var frequency) ? frequency : 0;
            }
            if(peripheral is IClockedByTimerClock timer)
            {
                timer.TimerFrequency = runs && timerFrequencies.TryGetValue(gate.Bus, out var frequency) ? frequency : 0;
            }
        }

        private IPeripheral PeripheralAt(Gate gate)
        {
            return gate.Peripheral ?? (gate.Peripheral = machine.SystemBus.WhatPeripheralIsAt(gate.Address));
        }

        private bool isStopped;

        private readonly IMachine machine;
        private readonly Dictionary<ClockBus, uint> frequencies = new Dictionary<ClockBus, uint>();
        private readonly Dictionary<ClockBus, uint> timerFrequencies = new Dictionary<ClockBus, uint>();

        private readonly Gate[] gates =
        {
            new Gate(ClockBus.Ahb, 0, 0x40020000), // DMA1
            new Gate(ClockBus.Ahb, 6, 0x40023000), // CRC
            new Gate(ClockBus.Apb1, 0, 0x40000000), // TIM2
            new Gate(ClockBus.Apb1, 1, 0x40000400), // TIM3
            new Gate(ClockBus.Apb1, 2, 0x40000800), // TIM4
            new Gate(ClockBus.Apb1, 11, 0x40002C00), // WWDG
            new Gate(ClockBus.Apb1, 14, 0x40003800), // SPI2
            new Gate(ClockBus.Apb1, 17, 0x40004400), // USART2
            new Gate(ClockBus.Apb1, 18, 0x40004800), // USART3
            new Gate(ClockBus.Apb1, 21, 0x40005400), // I2C1
            new Gate(ClockBus.Apb1, 22, 0x40005800), // I2C2
            new Gate(ClockBus.Apb1, 23, 0x40005C00), // USB
            new Gate(ClockBus.Apb1, 25, 0x40006400), // bxCAN
            new Gate(ClockBus.Apb1, 27, 0x40006C00), // BKP
            new Gate(ClockBus.Apb1, 28, 0x40007000), // PWR
            new Gate(ClockBus.Apb2, 0, 0x40010000), // AFIO
            new Gate(ClockBus.Apb2, 2, 0x40010800), // GPIOA
            new Gate(ClockBus.Apb2, 3, 0x40010C00), // GPIOB
            new Gate(ClockBus.Apb2, 4, 0x40011000), // GPIOC
            new Gate(ClockBus.Apb2, 5, 0x40011400), // GPIOD
            new Gate(ClockBus.Apb2, 6, 0x40011800), // GPIOE
            new Gate(ClockBus.Apb2, 9, 0x40012400), // ADC1
            new Gate(ClockBus.Apb2, 10, 0x40012800), // ADC2
            new Gate(ClockBus.Apb2, 11, 0x40012C00), // TIM1
            new Gate(ClockBus.Apb2, 12, 0x40013000), // SPI1
            new Gate(ClockBus.Apb2, 14, 0x40013800), // USART1
        };

        private class Gate
        {
            public Gate(ClockBus bus, int bit, ulong address)
            {
                Bus = bus;
                Bit = bit;
                Address = address;
            }

            public readonly ClockBus Bus;
            public readonly int Bit;
            public readonly ulong Address;
            public IPeripheral Peripheral;
            public bool IsEnabled;
            public bool IsHeldInReset;
        }
    }
}
