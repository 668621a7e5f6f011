// The flash interface, RM0008 3.3 and programming manual PM0075: wait states and prefetch, and the controller that
// programs half-words and erases pages, main memory and option bytes, with the keys, errors and times of silicon.
//
// The memories themselves are mapped, so that the processor reads them at full speed; the memory map leads its writes
// to the program port, a copy of their addresses that is no part of the chip.

using System;

using Antmicro.Renode.Core;
using Antmicro.Renode.Core.Structure.Registers;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.Memory;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.MTD
{
    public class STM32F103_Flash : STM32F103_Peripheral
    {
        // options: the page of the option bytes; port: the address of the program port, main memory first
        public STM32F103_Flash(IMachine machine, CortexM cpu, MappedMemory memory, MappedMemory options, ulong port) : base(machine)
        {
            this.cpu = cpu;
            this.memory = memory;
            this.options = options;
            this.port = port;
            operation = new Alarm(machine, this, "operation", OperationEnds);
            options.SetRange(0, options.Size, Erased);
            options.WriteWord(0, ReadProtectionOff);
            DefineRegisters();
            Reset();
        }

        public override void Reset()
        {
            base.Reset();
            operation.Cancel();
            keys.Reset();
            optionKeys.Reset();
            isLocked = true;
            optionsAreWritable = false;
            IRQ.Set(false);
        }

        // Where the processor's writes to this page of memory go.
        public bool TryGetPort(ulong page, out ulong portPage)
        {
            var size = (ulong)memory.Size;
            portPage = 0;
            if(page < size)
            {
                portPage = port + page;
            }
            else if(page >= MainMemory && page < MainMemory + size)
            {
                portPage = port + page - MainMemory;
            }
            else if(page == OptionBytes)
            {
                portPage = port + size;
            }
            return portPage != 0;
        }

        [ConnectionRegion("program")]
        public void ProgramWord(long offset, ushort value) => Program(offset, value);

        // Only half-words can be written, PM0075 2.3.3.
        [ConnectionRegion("program")]
        public void ProgramByte(long offset, byte value) => Refuse("A byte was written to flash.");

        [ConnectionRegion("program")]
        public void ProgramDoubleWord(long offset, uint value) => Refuse("A word was written to flash.");

        // The memory map leads no read here; Renode asks for the methods.
        [ConnectionRegion("program")]
        public byte ReadProgramByte(long offset) => Erased;

        [ConnectionRegion("program")]
        public ushort ReadProgramWord(long offset) => 0xFFFF;

        [ConnectionRegion("program")]
        public uint ReadProgramDoubleWord(long offset) => 0xFFFFFFFF;

        // How many wait states a data access has.
        public ulong WaitStates => latency.Value;

        public bool Prefetches => prefetch.Value;

        public bool AccessesHalfCycles => halfCycle.Value;

        public GPIO IRQ { get; } = new GPIO();

        public event Action AccessControlChanged;

        // A write that is a bus fault.
        public event Action WriteRefused;

        private void DefineRegisters()
        {
            Registers.AccessControl.Define(this, 0x30)
                .WithValueField(0, 3, out latency, name: "LATENCY")
                .WithFlag(3, out halfCycle, name: "HLFCYA")
                .WithFlag(4, out prefetch, name: "PRFTBE")
                .WithFlag(5, FieldMode.Read, valueProviderCallback: _ => prefetch.Value, name: "PRFTBS")
                .WithReservedBits(6, 26)
                .WithWriteCallback((_, __) => AccessControlChanged?.Invoke());
            Registers.Key.Define(this)
                .WithValueField(0, 32, FieldMode.Write, writeCallback: (_, value) => Unlock(keys, (uint)value, () => isLocked = false), name: "KEYR");
            Registers.OptionKey.Define(this)
                .WithValueField(0, 32, FieldMode.Write, writeCallback: (_, value) => Unlock(optionKeys, (uint)value, () => optionsAreWritable = true), name: "OPTKEYR");
            Registers.Status.Define(this)
                .WithFlag(0, FieldMode.Read, valueProviderCallback: _ => operation.IsSet, name: "BSY")
                .WithReservedBits(1, 1)
                .WithFlag(2, out programmingError, FieldMode.Read | FieldMode.WriteOneToClear, name: "PGERR")
                .WithReservedBits(3, 1)
                .WithFlag(4, out protectionError, FieldMode.Read | FieldMode.WriteOneToClear, name: "WRPRTERR")
                .WithFlag(5, out endOfOperation, FieldMode.Read | FieldMode.WriteOneToClear, name: "EOP")
                .WithReservedBits(6, 26)
                .WithWriteCallback((_, __) => UpdateInterrupt());
            Registers.Control.Define(this)
                .WithFlag(0, out programs, name: "PG")
                .WithFlag(1, out erasesPage, name: "PER")
                .WithFlag(2, out erasesAll, name: "MER")
                .WithReservedBits(3, 1)
                .WithFlag(4, out programsOptions, name: "OPTPG")
                .WithFlag(5, out erasesOptions, name: "OPTER")
                .WithFlag(6, valueProviderCallback: _ => operation.IsSet && isErasing, writeCallback: (_, value) => isErasing = value, name: "STRT")
                .WithFlag(7, valueProviderCallback: _ => isLocked, writeCallback: (_, value) => LockIf(value), name: "LOCK")
                .WithReservedBits(8, 1)
                .WithFlag(9, valueProviderCallback: _ => optionsAreWritable, writeCallback: (_, value) => optionsAreWritable &= value, name: "OPTWRE")
                .WithFlag(10, out errorInterruptEnabled, name: "ERRIE")
                .WithReservedBits(11, 1)
                .WithFlag(12, out endInterruptEnabled, name: "EOPIE")
                .WithReservedBits(13, 19)
                .WithWriteCallback((_, __) => ControlWasWritten());
            Registers.Address.Define(this)
                .WithValueField(0, 32, out address, FieldMode.Write, name: "AR");
            Registers.OptionByte.Define(this)
                .WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => OptionRegister, name: "OBR");
            Registers.WriteProtection.Define(this)
                .WithValueField(0, 32, FieldMode.Read, valueProviderCallback: _ => WriteProtectionRegister, name: "WRPR");
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            // A locked controller ignores its control register, PM0075 2.3.1.
            if(isLocked && offset == (long)Registers.Control)
            {
                if((value & ~Lock) != 0)
                {
                    this.Log(LogLevel.Error, "FLASH_CR was written while it is locked.");
                }
                return;
            }
            base.WriteDoubleWord(offset, value);
        }

        // A wrong key is a bus fault, and locks the controller until the next reset.
        private void Unlock(KeySequence sequence, uint key, Action unlock)
        {
            if(sequence.Accepts(key))
            {
                if(sequence.IsComplete)
                {
                    unlock();
                }
                return;
            }
            Refuse($"0x{key:X8} is the wrong key.");
        }

        private void LockIf(bool value)
        {
            if(value)
            {
                isLocked = true;
                keys.Begin();
            }
        }

        private void ControlWasWritten()
        {
            UpdateInterrupt();
            if(!isErasing || operation.IsSet)
            {
                return;
            }
            if(erasesPage.Value)
            {
                ErasePage((long)(address.Value & ~(ulong)(PageSize - 1)) - (long)MainMemory);
            }
            else if(erasesAll.Value)
            {
                Finish(EraseTime, WriteProtectionRegister == uint.MaxValue, () => memory.SetRange(0, memory.Size, Erased));
            }
            else if(erasesOptions.Value && optionsAreWritable)
            {
                Finish(EraseTime, true, () => options.SetRange(0, OptionBytesSize, Erased));
            }
            else
            {
                this.Log(LogLevel.Error, "STRT was set without PER, MER or OPTER with OPTWRE.");
            }
        }

        private void ErasePage(long offset)
        {
            if(offset < 0 || offset >= memory.Size)
            {
                this.Log(LogLevel.Error, "There is no page at 0x{0:X8} to erase.", address.Value);
                return;
            }
            Finish(EraseTime, !IsProtected(offset), () => memory.SetRange(offset, PageSize, Erased));
        }

        private void Program(long offset, ushort value)
        {
            var isOption = offset >= memory.Size;
            var target = isOption ? options : memory;
            var at = isOption ? offset - memory.Size : offset;
            if(isLocked || !(isOption ? programsOptions.Value && optionsAreWritable : programs.Value))
            {
                Refuse($"0x{value:X4} was written to flash without PG.");
                return;
            }
            isErasing = false;
            var old = target.ReadWord(at);
            // Zero can be written over anything.
            if(old != 0xFFFF && value != 0)
            {
                programmingError.Value = true;
                UpdateInterrupt();
                return;
            }
            Finish(ProgramTime, isOption || !IsProtected(at), () => target.WriteWord(at, isOption ? WithComplement(value) : value));
        }

        // The processor waits if it runs from the flash that is busy.
        private void Finish(double time, bool isAllowed, Action change)
        {
            if(!isAllowed)
            {
                protectionError.Value = true;
                UpdateInterrupt();
                return;
            }
            change();
            operation.SetIn(time);
            if(machine.SystemBus.TryGetCurrentCPU(out var _) && TryGetPort(cpu.PC & ~(ulong)(PageSize - 1), out var _))
            {
                cpu.SkipTime(TimeInterval.FromNanoseconds((ulong)time));
            }
        }

        private void OperationEnds()
        {
            endOfOperation.Value = true;
            UpdateInterrupt();
        }

        private void Refuse(string why)
        {
            this.Log(LogLevel.Error, why);
            WriteRefused?.Invoke();
        }

        private void UpdateInterrupt()
        {
            IRQ.Set((endInterruptEnabled.Value && endOfOperation.Value)
                || (errorInterruptEnabled.Value && (programmingError.Value || protectionError.Value)));
        }

        // An option byte lies beside its complement, 3.3.4. One whose complement is wrong counts as erased.
        private byte Option(int number)
        {
            var both = options.ReadWord(2 * number);
            return (byte)both == (byte)~(both >> 8) ? (byte)both : Erased;
        }

        private static ushort WithComplement(ushort value) => (ushort)((byte)value | (~value & 0xFF) << 8);

        private uint OptionRegister => (Option(0) == unchecked((byte)ReadProtectionOff) ? 0u : 2u) | (uint)Option(1) << 2 | (uint)Option(2) << 10 | (uint)Option(3) << 18;

        // A bit protects four pages.
        private uint WriteProtectionRegister => (uint)(Option(4) | Option(5) << 8 | Option(6) << 16 | Option(7) << 24);

        private bool IsProtected(long offset) => (WriteProtectionRegister >> (int)(offset / (4 * PageSize)) & 1) == 0;

        private bool isLocked;
        private bool optionsAreWritable;
        private bool isErasing;

        private IValueRegisterField latency;
        private IFlagRegisterField halfCycle;
        private IFlagRegisterField prefetch;
        private IFlagRegisterField programmingError;
        private IFlagRegisterField protectionError;
        private IFlagRegisterField endOfOperation;
        private IFlagRegisterField programs;
        private IFlagRegisterField erasesPage;
        private IFlagRegisterField erasesAll;
        private IFlagRegisterField programsOptions;
        private IFlagRegisterField erasesOptions;
        private IFlagRegisterField errorInterruptEnabled;
        private IFlagRegisterField endInterruptEnabled;
        private IValueRegisterField address;

        private readonly CortexM cpu;
        private readonly MappedMemory memory;
        private readonly MappedMemory options;
        private readonly ulong port;
        private readonly Alarm operation;
        private readonly KeySequence keys = new KeySequence();
        private readonly KeySequence optionKeys = new KeySequence();

        private const ulong MainMemory = 0x08000000;
        private const uint Lock = 1 << 7; // of CR
        private const ulong OptionBytes = 0x1FFFF800;
        private const long OptionBytesSize = 16;
        private const int PageSize = 0x400;
        private const byte Erased = 0xFF;
        private const ushort ReadProtectionOff = 0x5AA5;
        private const double ProgramTime = 52500; // ns, datasheet 5.3.9
        private const double EraseTime = 20e6;

        private enum Registers
        {
            AccessControl = 0x00,
            Key = 0x04,
            OptionKey = 0x08,
            Status = 0x0C,
            Control = 0x10,
            Address = 0x14,
            OptionByte = 0x1C,
            WriteProtection = 0x20,
        }
    }
}
