// A peripheral that is not modelled: its registers read their reset values and keep the bits that can be written, and
// do nothing else. The first access to each logs a warning with the register's name.

using System.Collections.Generic;
using System.Globalization;
using System.Linq;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class STM32F103_RegistersOnly : STM32F103_Peripheral
    {
        // block: a name in RegisterTables
        public STM32F103_RegistersOnly(IMachine machine, string block, long size = 0x400) : base(machine)
        {
            this.block = block;
            this.size = size;
            foreach(var row in RegisterTables.Rows[block].Split(',').Select(text => text.Trim().Split(' ')))
            {
                registers[Hex(row[1])] = new Register { Name = row[0], ResetValue = Hex(row[2]), Writable = Hex(row[3]) };
            }
            Reset();
        }

        public override void Reset()
        {
            foreach(var register in registers.Values)
            {
                register.Value = register.ResetValue;
            }
        }

        public override uint ReadDoubleWord(long offset)
        {
            var register = Find(offset);
            return register == null ? 0 : register.Value;
        }

        public override void WriteDoubleWord(long offset, uint value)
        {
            var register = Find(offset);
            if(register != null)
            {
                register.Value = (register.Value & ~register.Writable) | (value & register.Writable);
            }
        }

        public override long Size => size;

        private Register Find(long offset)
        {
            registers.TryGetValue((uint)offset, out var register);
            var name = register == null ? $"offset 0x{offset:X}" : register.Name;
            if(warned.Add(name))
            {
                this.Log(LogLevel.Warning, "{0}_{1} is not modelled.", block, name);
            }
            return register;
        }

        private static uint Hex(string text) => uint.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

        private readonly string block;
        private readonly long size;
        private readonly Dictionary<uint, Register> registers = new Dictionary<uint, Register>();
        private readonly HashSet<string> warned = new HashSet<string>();

        private class Register
        {
            public string Name;
            public uint ResetValue;
            public uint Writable;
            public uint Value;
        }
    }
}
