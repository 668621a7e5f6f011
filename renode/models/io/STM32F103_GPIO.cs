// A port of sixteen pins, RM0008 chapter 9. What a pin's level is follows from its configuration: driven by ODR or by
// an alternate function, pulled by ODR, driven from outside, or floating, which reads as low.

using System;
using System.Collections.Generic;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;

namespace Antmicro.Renode.Peripherals.GPIOPort
{
    public class STM32F103_GPIO : BaseGPIOPort, IDoubleWordPeripheral, IWordPeripheral, IBytePeripheral,
        IProvidesRegisterCollection<DoubleWordRegisterCollection>, IKnownSize
    {
        public STM32F103_GPIO(IMachine machine) : base(machine, Pins)
        {
            for(var k = 0; k < Pins; k++)
            {
                pins[k] = new Pin();
            }
            RegistersCollection = new DoubleWordRegisterCollection(this);
            DefineRegisters();
            Reset();
        }

        public override void Reset()
        {
            RegistersCollection.Reset();
            output = 0;
            lockStep = 0;
            locked = 0;
            foreach(var pin in pins)
            {
                pin.Mode = Floating;
            }
            UpdateAll();
        }

        public uint ReadDoubleWord(long offset) => RegistersCollection.Read(offset);

        public void WriteDoubleWord(long offset, uint value) => RegistersCollection.Write(offset, value);

        public ushort ReadWord(long offset) => (ushort)BusBridge.Shift(ReadDoubleWord(BusBridge.Align(offset)), offset);

        public void WriteWord(long offset, ushort value) => WriteDoubleWord(BusBridge.Align(offset), BusBridge.Repeat(value));

        public byte ReadByte(long offset) => (byte)BusBridge.Shift(ReadDoubleWord(BusBridge.Align(offset)), offset);

        public void WriteByte(long offset, byte value) => WriteDoubleWord(BusBridge.Align(offset), BusBridge.Repeat(value));

        // A signal from outside, as of a button.
        public override void OnGPIO(int number, bool value)
        {
            if(CheckPinNumber(number))
            {
                pins[number].Outside = () => value;
                Update(number);
            }
        }

        // level: what drives the pin from outside, null while it does not.
        public void ConnectOutside(int pin, Func<bool?> level)
        {
            pins[pin].Outside = level;
        }

        // A peripheral's signal that has this pin as its alternate function.
        public void AddFunction(int pin, PinFunction function)
        {
            pins[pin].Functions.Add(function);
        }

        public void RemoveFunction(int pin, PinFunction function)
        {
            pins[pin].Functions.Remove(function);
        }

        // What a peripheral calls when it begins or ceases to drive a pin.
        public void FunctionChanged(int pin)
        {
            WarnOfIdleFunction(pin);
        }

        // What a peripheral calls when the level that it drives a pin to is another.
        public void FunctionLevelChanged(int pin)
        {
            if(pins[pin].IsFunctionOutput)
            {
                Connections[pin].Set(Level(pin));
                PinChanged?.Invoke(pin);
            }
        }

        // Whether somebody but this function wants to know of each edge at the pin.
        public bool IsWatched(int pin, PinFunction function)
        {
            return pins[pin].IsFunctionOutput && (Connections[pin].IsConnected || (Watches?.Invoke(this, pin) ?? false)
                || pins[pin].Functions.Any(other => other != function && other.IsInput));
        }

        // Whether the external interrupts watch a pin.
        public Func<STM32F103_GPIO, int, bool> Watches { get; set; }

        public bool IsDigitalInput(int pin) => pins[pin].IsInput && pins[pin].Mode != Analog;

        public bool IsFunctionOutput(int pin) => pins[pin].IsFunctionOutput;

        // The level that the port gives the pin, null where it neither drives nor pulls it.
        public bool? LevelFromPort(int pin) => Driven(pin) ?? Pull(pin);

        public bool Level(int pin) => Driven(pin) ?? FromOutside(pin) ?? Pull(pin) ?? false;

        public long Size => 0x400;

        // The pins that the board pulls up, one bit each.
        public uint PulledUpOutside
        {
            get => pulledUpOutside;
            set
            {
                pulledUpOutside = value;
                UpdateAll();
            }
        }

        public DoubleWordRegisterCollection RegistersCollection { get; }

        // The pin's configuration, or what the port drives it to, is another.
        public event Action<int> PinChanged;

        private void DefineRegisters()
        {
            DefineConfiguration(Registers.ConfigurationLow, 0);
            DefineConfiguration(Registers.ConfigurationHigh, 8);
            Registers.InputData.Define(this)
                .WithFlags(0, 16, FieldMode.Read, valueProviderCallback: (pin, _) => pins[pin].Mode != Analog && Level(pin), name: "IDR")
                .WithReservedBits(16, 16);
            Registers.OutputData.Define(this)
                .WithValueField(0, 16, valueProviderCallback: _ => output, writeCallback: (_, value) => SetOutput((uint)value), name: "ODR")
                .WithReservedBits(16, 16);
            // Where both bits of a pin are written, setting wins, 9.2.5.
            Registers.BitSetReset.Define(this)
                .WithValueField(0, 32, FieldMode.Write, writeCallback: (_, value) => SetOutput((output & ~((uint)value >> 16)) | ((uint)value & 0xFFFF)), name: "BSRR");
            Registers.BitReset.Define(this)
                .WithValueField(0, 16, FieldMode.Write, writeCallback: (_, value) => SetOutput(output & ~(uint)value), name: "BRR")
                .WithReservedBits(16, 16);
            Registers.ConfigurationLock.Define(this)
                .WithValueField(0, 17, valueProviderCallback: _ => LockRegister, writeCallback: (_, value) => WriteLock((uint)value), name: "LCKR")
                .WithReservedBits(17, 15)
                .WithReadCallback((_, __) => ReadLock());
        }

        private void DefineConfiguration(Registers register, int firstPin)
        {
            register.Define(this, 0x44444444)
                .WithValueFields(0, 4, 8, valueProviderCallback: (k, _) => pins[firstPin + k].Mode,
                    writeCallback: (k, _, value) => Configure(firstPin + k, (uint)value), name: "CNF and MODE");
        }

        private void Configure(int pin, uint mode)
        {
            if(pins[pin].Mode == mode)
            {
                return;
            }
            if(Bit(locked, pin))
            {
                this.Log(LogLevel.Error, "The configuration of pin {0} was written while it is locked.", pin);
                return;
            }
            pins[pin].Mode = mode;
            WarnOfIdleFunction(pin);
            Update(pin);
        }

        // An alternate-function output whose peripheral is not active has no specified level, 9.1.4.
        private void WarnOfIdleFunction(int pin)
        {
            if(pins[pin].IsFunctionOutput && pins[pin].Functions.Any(function => function.Drive != null) && FunctionLevel(pin) == null)
            {
                this.Log(LogLevel.Warning, "Pin {0} is an alternate-function output, and its peripheral does not drive it. Silicon tolerates this for a moment.", pin);
            }
        }

        private void SetOutput(uint value)
        {
            var changed = output ^ value;
            output = value;
            for(var pin = 0; pin < Pins; pin++)
            {
                if(Bit(changed, pin))
                {
                    Update(pin);
                }
            }
        }

        private void UpdateAll()
        {
            for(var pin = 0; pin < Pins; pin++)
            {
                Update(pin);
            }
        }

        private void Update(int pin)
        {
            // The bits of a function's signal are not notified one by one.
            if(!pins[pin].IsFunctionOutput)
            {
                Connections[pin].Set(Level(pin));
            }
            PinChanged?.Invoke(pin);
        }

        // An open drain drives only low.
        private bool? Driven(int pin)
        {
            if(pins[pin].IsInput)
            {
                return null;
            }
            var level = pins[pin].IsFunctionOutput ? FunctionLevel(pin) ?? false : Bit(output, pin);
            return pins[pin].IsOpenDrain && level ? (bool?)null : level;
        }

        // Of the signals that share a pin the one whose peripheral is active.
        private bool? FunctionLevel(int pin)
        {
            foreach(var function in pins[pin].Functions)
            {
                if(function.Drive?.Invoke() is bool level)
                {
                    return level;
                }
            }
            return null;
        }

        private bool? FromOutside(int pin) => pins[pin].Outside?.Invoke() ?? (Bit(pulledUpOutside, pin) ? true : (bool?)null);

        private bool? Pull(int pin) => pins[pin].Mode == Pulled ? Bit(output, pin) : (bool?)null;

        // The lock takes effect after LCKK is written 1, 0, 1 with the same pins and then read, 9.2.7.
        private void WriteLock(uint value)
        {
            if(locked != 0)
            {
                return;
            }
            var chosen = value & 0xFFFF;
            var expectedKey = lockStep != 1;
            var continues = lockStep < LockSteps && (lockStep == 0 || chosen == lockPins);
            lockStep = continues && Bit(value, LockKey) == expectedKey ? lockStep + 1 : 0;
            lockPins = chosen;
        }

        private void ReadLock()
        {
            if(lockStep == LockSteps && locked == 0)
            {
                locked = lockPins | 1u << LockKey;
            }
        }

        private uint LockRegister => locked != 0 ? locked : lockPins;

        private static bool Bit(uint value, int number) => (value >> number & 1) != 0;

        private uint pulledUpOutside;
        private uint output;
        private uint locked;
        private uint lockPins;
        private int lockStep;

        private readonly Pin[] pins = new Pin[Pins];

        private const int Pins = 16;
        private const int LockKey = 16;
        private const int LockSteps = 3;
        private const uint Analog = 0x0; // the modes of an input, 9.2.1
        private const uint Floating = 0x4;
        private const uint Pulled = 0x8;

        private class Pin
        {
            public bool IsInput => (Mode & 3) == 0;

            public bool IsOpenDrain => !IsInput && (Mode & 4) != 0;

            public bool IsFunctionOutput => !IsInput && (Mode & 8) != 0;

            public uint Mode; // CNF above MODE
            public Func<bool?> Outside;
            public readonly List<PinFunction> Functions = new List<PinFunction>();
        }

        private enum Registers
        {
            ConfigurationLow = 0x00,
            ConfigurationHigh = 0x04,
            InputData = 0x08,
            OutputData = 0x0C,
            BitSetReset = 0x10,
            BitReset = 0x14,
            ConfigurationLock = 0x18,
        }
    }
}
