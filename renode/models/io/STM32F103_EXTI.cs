// The external interrupts and events, RM0008 10.2: sixteen lines of pins, then the supply monitor, the RTC's alarm and
// the USB's wake-up. Always clocked; the registers are those of nineteen lines, 10.3.

using System;
using System.Collections.Generic;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.GPIOPort;

namespace Antmicro.Renode.Peripherals.IRQControllers
{
    public class STM32F103_EXTI : STM32F103_Peripheral, INumberedGPIOOutput, IGPIOReceiver
    {
        public STM32F103_EXTI(IMachine machine, CortexM cpu, STM32F103_AFIO afio) : base(machine)
        {
            this.cpu = cpu;
            this.afio = afio;
            Connections = Enumerable.Range(0, Outputs).ToDictionary(number => number, _ => (IGPIO)new GPIO());
            foreach(var port in afio.Ports)
            {
                port.PinChanged += pin => PinChanged(port, pin);
                port.Watches = (asked, pin) => pin < Pins && (Bit(rising, pin) || Bit(falling, pin)) && afio.InterruptPort(pin) == asked;
            }
            afio.Changed += () => TakeLevels();
        }

        public override void Reset()
        {
            interruptMask = 0;
            eventMask = 0;
            rising = 0;
            falling = 0;
            software = 0;
            pending = 0;
            TakeLevels();
            Update();
        }

        // The lines that do not come from pins: 16 to 18.
        public void OnGPIO(int number, bool value)
        {
            LevelChanged(number, value);
        }

        public override uint ReadDoubleWord(long offset)
        {
            switch(offset)
            {
            case 0x00: return interruptMask;
            case 0x04: return eventMask;
            case 0x08: return rising;
            case 0x0C: return falling;
            case 0x10: return software;
            case 0x14: return pending;
            default: return 0;
            }
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            value &= Lines;
            switch(offset)
            {
            case 0x00:
                interruptMask = value;
                break;
            case 0x04:
                eventMask = value;
                break;
            case 0x08:
                rising = value;
                break;
            case 0x0C:
                falling = value;
                break;
            case 0x10:
                var set = value & ~software;
                software |= value;
                Trigger(set & interruptMask, set);
                break;
            case 0x14:
                pending &= ~value;
                software &= ~value;
                break;
            }
            Update();
        }

        // An interrupt for each group of lines, as the processor has them: 0 to 4, 5 to 9, 10 to 15, then 16 to 18.
        public IReadOnlyDictionary<int, IGPIO> Connections { get; }

        // A line's edge, also if the masks disable it: converters are started by lines 11 and 15.
        public event Action<int> Edge;

        private void PinChanged(STM32F103_GPIO port, int pin)
        {
            if(afio.InterruptPort(pin) == port)
            {
                LevelChanged(pin, port.Level(pin));
            }
        }

        private void TakeLevels()
        {
            for(var pin = 0; pin < Pins; pin++)
            {
                var level = afio.InterruptPort(pin)?.Level(pin) ?? false;
                levels = level ? levels | 1u << pin : levels & ~(1u << pin);
            }
        }

        private void LevelChanged(int line, bool level)
        {
            if(level == Bit(levels, line))
            {
                return;
            }
            levels ^= 1u << line;
            if(Bit(level ? rising : falling, line))
            {
                Trigger(1u << line, 1u << line);
                Update();
                Edge?.Invoke(line);
            }
        }

        private void Trigger(uint interrupts, uint events)
        {
            pending |= interrupts;
            if((events & eventMask) != 0)
            {
                cpu.SetEventFlag(true);
            }
        }

        private void Update()
        {
            var active = pending & interruptMask;
            for(var number = 0; number < Outputs; number++)
            {
                var lines = number < 5 ? 1u << number : number == 5 ? 0x3E0u : number == 6 ? 0xFC00u : 1u << number + 9;
                Connections[number].Set((active & lines) != 0);
            }
        }

        private static bool Bit(uint value, int number) => (value >> number & 1) != 0;

        private uint interruptMask;
        private uint eventMask;
        private uint rising;
        private uint falling;
        private uint software;
        private uint pending;
        private uint levels;

        private readonly CortexM cpu;
        private readonly STM32F103_AFIO afio;

        private const int Pins = 16;
        private const int Outputs = 10;
        private const uint Lines = 0x7FFFF;
    }
}
