// The backup registers, RM0008 chapter 6. They keep their contents over a reset, and are written only while PWR_CR.DBP
// is set. Tamper detection and the calibration output are not modelled.

using System;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class STM32F103_BKP : STM32F103_Peripheral
    {
        public STM32F103_BKP(IMachine machine, STM32F103_RCC rcc) : base(machine)
        {
            this.rcc = rcc;
            rcc.BackupReset += () => Array.Clear(registers, 0, registers.Length);
        }

        public override void Reset()
        {
        }

        public override uint ReadDoubleWord(long offset) => offset < registers.Length * 4 ? registers[offset / 4] : 0;

        public override void WriteDoubleWord(long offset, uint value)
        {
            if(!rcc.BackupIsWritable)
            {
                this.Log(LogLevel.Error, "A backup register was written while PWR_CR.DBP is clear: the write is lost.");
                return;
            }
            var number = offset / 4;
            if(number > 0 && number < registers.Length)
            {
                registers[number] = value & (number <= DataRegisters ? 0xFFFFu : number == Calibration ? 0x3FFu : number == Control ? 3u : 4u);
            }
        }

        private readonly STM32F103_RCC rcc;
        private readonly uint[] registers = new uint[14];

        private const int DataRegisters = 10;
        private const int Calibration = 11;
        private const int Control = 12;
    }
}
