// What Renode's NVIC lacks of a Cortex-M3's system control space, DDI 0403 B3.2 and B3.3: the fault address, the
// escalation of bus faults, CCR as it is after reset, and SysTick's choice between HCLK and HCLK / 8.

using System;

using Antmicro.Renode.Core;
using Antmicro.Renode.Peripherals.Bus;
using Antmicro.Renode.Peripherals.CPU;

namespace Antmicro.Renode.Peripherals.IRQControllers
{
    public class CortexM3_NVIC : NVIC, IDoubleWordPeripheral
    {
        public CortexM3_NVIC(IMachine machine, ulong systickFrequency, byte priorityMask) : base(machine, systickFrequency, priorityMask)
        {
            ResetOwnRegisters();
        }

        public new void Reset()
        {
            base.Reset();
            ResetOwnRegisters();
        }

        public new uint ReadDoubleWord(long offset)
        {
            switch((Registers)offset)
            {
            case Registers.SysTickControl:
                return base.ReadDoubleWord(offset) & ~ClockSource | (Divider == 1 ? ClockSource : 0);
            case Registers.HardFaultStatus:
                return hardFaultStatus;
            case Registers.BusFaultAddress:
                return busFaultAddress;
            default:
                return base.ReadDoubleWord(offset);
            }
        }

        public new void WriteDoubleWord(long offset, uint value)
        {
            switch((Registers)offset)
            {
            case Registers.SysTickControl:
                Divider = (value & ClockSource) != 0 ? 1UL : ExternalDivider;
                // The counter is zero after a reset, so that it begins with the reload value; in Renode it is full.
                if((value & SysTickEnable) != 0 && !sysTickHasRun)
                {
                    sysTickHasRun = true;
                    base.WriteDoubleWord((long)Registers.SysTickValue, 0);
                }
                base.WriteDoubleWord(offset, value);
                break;
            case Registers.HardFaultStatus:
                hardFaultStatus &= ~value;
                break;
            case Registers.BusFaultAddress:
                busFaultAddress = value;
                break;
            case Registers.ApplicationInterruptAndReset:
                if(value >> 16 == WriteKey && (value & SystemResetRequest) != 0)
                {
                    SystemResetRequested?.Invoke();
                }
                base.WriteDoubleWord(offset, value);
                break;
            default:
                base.WriteDoubleWord(offset, value);
                break;
            }
        }

        // The address of the access that the processor abandoned, B3.2.18.
        public void RaisePreciseBusFault(CortexM cpu, uint address, bool isFetch)
        {
            cpu.FaultStatus |= isFetch ? InstructionBusError : PreciseDataBusError | FaultAddressValid;
            if(!isFetch)
            {
                busFaultAddress = address;
            }
            PendBusFault(cpu);
        }

        public void RaiseImpreciseBusFault(CortexM cpu)
        {
            cpu.FaultStatus |= ImpreciseDataBusError;
            PendBusFault(cpu);
        }

        // Whether a handler runs, which a bus fault here does not preempt.
        public bool HandlerIsActive => (base.ReadDoubleWord((long)Registers.InterruptControlState) & ActiveVector) != 0;

        public event Action SystemResetRequested;

        // A bus fault becomes a hard fault where it is not enabled or interrupts are disabled, B1.5.11. PRIMASK does
        // not hold a hard fault back on silicon; in Renode it does, so it is cleared.
        private void PendBusFault(CortexM cpu)
        {
            var enabled = (base.ReadDoubleWord((long)Registers.SystemHandlerControlAndState) & BusFaultEnable) != 0;
            if(enabled && cpu.GetPrimask(false) == 0)
            {
                SetPendingIRQ(BusFault);
                return;
            }
            hardFaultStatus |= Forced;
            cpu.PRIMASK = 0;
            SetPendingIRQ(HardFault);
        }

        private void ResetOwnRegisters()
        {
            hardFaultStatus = 0;
            busFaultAddress = 0;
            sysTickHasRun = false;
            Divider = ExternalDivider;
            base.WriteDoubleWord((long)Registers.ConfigurationAndControl, 0);
        }

        private bool sysTickHasRun;
        private uint hardFaultStatus;
        private uint busFaultAddress;

        private const int HardFault = 3;
        private const int BusFault = 5;
        private const uint SysTickEnable = 1 << 0; // of SYST_CSR
        private const uint ClockSource = 1 << 2;
        private const ulong ExternalDivider = 8; // RM0008 7.2, figure 8
        private const uint ActiveVector = 0x1FF; // of ICSR
        private const uint WriteKey = 0x05FA; // of AIRCR
        private const uint SystemResetRequest = 1 << 2;
        private const uint BusFaultEnable = 1 << 17; // of SHCSR
        private const uint InstructionBusError = 1 << 8; // of CFSR
        private const uint PreciseDataBusError = 1 << 9;
        private const uint ImpreciseDataBusError = 1 << 10;
        private const uint FaultAddressValid = 1 << 15;
        private const uint Forced = 1 << 30; // of HFSR

        private enum Registers
        {
            SysTickControl = 0x010,
            SysTickValue = 0x018,
            InterruptControlState = 0xD04,
            ApplicationInterruptAndReset = 0xD0C,
            ConfigurationAndControl = 0xD14,
            SystemHandlerControlAndState = 0xD24,
            HardFaultStatus = 0xD2C,
            BusFaultAddress = 0xD38,
        }
    }
}
