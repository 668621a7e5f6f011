// The alternate functions, RM0008 9.3 and 9.4: which pin is which peripheral's signal, which port is which external
// interrupt's, and whether the debug port has its pins.

using System;
using System.Collections.Generic;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Miscellaneous;

namespace Antmicro.Renode.Peripherals.GPIOPort
{
    public class STM32F103_AFIO : STM32F103_Peripheral
    {
        public STM32F103_AFIO(IMachine machine, STM32F103_GPIO portA, STM32F103_GPIO portB, STM32F103_GPIO portC, STM32F103_GPIO portD, STM32F103_GPIO portE) : base(machine)
        {
            ports = new[] { portA, portB, portC, portD, portE };
        }

        public override void Reset()
        {
            eventControl = 0;
            mapping = 0;
            debugPort = 0;
            Array.Clear(interruptPorts, 0, interruptPorts.Length);
            Remap();
        }

        // drive: what the peripheral drives the signal to, null while it does not; inputChanged: what an edge at the
        // pin calls. Either may be missing.
        public PinFunction Connect(string signal, Func<bool?> drive, Action<bool> inputChanged)
        {
            var function = new PinFunction(drive, inputChanged);
            functions[signal] = function;
            Place(signal, function);
            return function;
        }

        // The port whose pin an external interrupt line is connected to; null where there is none.
        public STM32F103_GPIO InterruptPort(int line)
        {
            var number = interruptPorts[line / 4] >> 4 * (line % 4) & 0xF;
            return number < ports.Length ? ports[number] : null;
        }

        // A bit of MAPR.
        public bool IsRemapped(int bit) => (mapping >> bit & 1) != 0;

        public IEnumerable<STM32F103_GPIO> Ports => ports;

        // After a write to MAPR or EXTICR.
        public event Action Changed;

        public override uint ReadDoubleWord(long offset)
        {
            switch(offset)
            {
            case 0x00: return eventControl;
            case 0x04: return mapping;
            case 0x08: case 0x0C: case 0x10: case 0x14: return interruptPorts[offset / 4 - 2];
            default: return 0;
            }
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            switch(offset)
            {
            case 0x00:
                eventControl = value & 0xFF;
                break;
            case 0x04:
                mapping = value & 0x1FFFFF;
                debugPort = value >> 24 & 7; // write-only, 9.4.2
                Remap();
                break;
            case 0x08: case 0x0C: case 0x10: case 0x14:
                interruptPorts[offset / 4 - 2] = value & 0xFFFF;
                Changed?.Invoke();
                break;
            }
        }

        private void Remap()
        {
            foreach(var entry in functions)
            {
                Place(entry.Key, entry.Value);
            }
            Changed?.Invoke();
        }

        private void Place(string signal, PinFunction function)
        {
            var row = Signals[signal].Split(' ');
            var shift = int.Parse(row[0]);
            var width = row.Length - 1 > 2 ? 2 : 1;
            var choice = shift < 0 ? 0 : (int)(mapping >> shift & (1u << width) - 1);
            var place = row[1 + Math.Min(choice, row.Length - 2)];
            function.Attach(ports[place[0] - 'A'], int.Parse(place.Substring(1)));
        }

        private uint eventControl;
        private uint mapping;
        private uint debugPort;

        private readonly STM32F103_GPIO[] ports;
        private readonly uint[] interruptPorts = new uint[4];
        private readonly Dictionary<string, PinFunction> functions = new Dictionary<string, PinFunction>();

        // The first bit of the signal's field in MAPR, -1 for none, and the pin for each of the field's values.
        private static readonly Dictionary<string, string> Signals = new Dictionary<string, string>
        {
            { "TIM1_ETR", "6 A12 A12 A12 E7" },
            { "TIM1_CH1", "6 A8 A8 A8 E9" },
            { "TIM1_CH2", "6 A9 A9 A9 E11" },
            { "TIM1_CH3", "6 A10 A10 A10 E13" },
            { "TIM1_CH4", "6 A11 A11 A11 E14" },
            { "TIM1_BKIN", "6 B12 A6 A6 E15" },
            { "TIM1_CH1N", "6 B13 A7 A7 E8" },
            { "TIM1_CH2N", "6 B14 B0 B0 E10" },
            { "TIM1_CH3N", "6 B15 B1 B1 E12" },
            { "TIM2_ETR", "8 A0 A15 A0 A15" },
            { "TIM2_CH1", "8 A0 A15 A0 A15" },
            { "TIM2_CH2", "8 A1 B3 A1 B3" },
            { "TIM2_CH3", "8 A2 A2 B10 B10" },
            { "TIM2_CH4", "8 A3 A3 B11 B11" },
            { "TIM3_CH1", "10 A6 A6 B4 C6" },
            { "TIM3_CH2", "10 A7 A7 B5 C7" },
            { "TIM3_CH3", "10 B0 B0 B0 C8" },
            { "TIM3_CH4", "10 B1 B1 B1 C9" },
            { "TIM4_CH1", "12 B6 D12" },
            { "TIM4_CH2", "12 B7 D13" },
            { "TIM4_CH3", "12 B8 D14" },
            { "TIM4_CH4", "12 B9 D15" },
            { "SPI1_NSS", "0 A4 A15" },
            { "SPI1_SCK", "0 A5 B3" },
            { "SPI1_MISO", "0 A6 B4" },
            { "SPI1_MOSI", "0 A7 B5" },
            { "SPI2_NSS", "-1 B12" },
            { "SPI2_SCK", "-1 B13" },
            { "SPI2_MISO", "-1 B14" },
            { "SPI2_MOSI", "-1 B15" },
            { "I2C1_SCL", "1 B6 B8" },
            { "I2C1_SDA", "1 B7 B9" },
            { "I2C2_SCL", "-1 B10" },
            { "I2C2_SDA", "-1 B11" },
            { "CAN_TX", "13 A12 A12 B9 D1" },
            { "CAN_RX", "13 A11 A11 B8 D0" },
        };
    }

    // A peripheral's signal at the pin that it has at present.
    public class PinFunction
    {
        public PinFunction(Func<bool?> drive, Action<bool> inputChanged)
        {
            Drive = drive;
            this.inputChanged = inputChanged;
        }

        public void Attach(STM32F103_GPIO port, int pin)
        {
            if(port == this.port && pin == this.pin)
            {
                return;
            }
            if(this.port != null)
            {
                this.port.PinChanged -= PinChanged;
                this.port.RemoveFunction(this.pin, this);
            }
            this.port = port;
            this.pin = pin;
            port.AddFunction(pin, this);
            if(inputChanged != null)
            {
                port.PinChanged += PinChanged;
            }
        }

        // What the peripheral calls when it drives the signal to another level, or begins or ceases to.
        public void Changed()
        {
            port.FunctionLevelChanged(pin);
        }

        public bool Level => port.Level(pin);

        // Whether each edge is reported to a peripheral.
        public bool IsWatched => port.IsWatched(pin, this);

        public bool IsInput => inputChanged != null;

        public Func<bool?> Drive { get; }

        private void PinChanged(int changed)
        {
            if(changed == pin)
            {
                var level = Level;
                if(level != lastLevel)
                {
                    lastLevel = level;
                    inputChanged(level);
                }
            }
        }

        private STM32F103_GPIO port;
        private int pin;
        private bool lastLevel;

        private readonly Action<bool> inputChanged;
    }
}
