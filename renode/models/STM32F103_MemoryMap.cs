// What the chip's bus answers to, RM0008 3.3: the peripherals and memories of the platform description, of which the
// processor cannot write the flash. Everything else is a bus fault, as on silicon, where Renode by itself would only
// log a warning and read zero.
//
// Renode's processors can check every access against windows. The windows open as their peripherals are first used. An
// access to no peripheral is logged as an error, which fails a test, raises BusFault, and is led to a scrap of memory,
// since the model of the processor cannot abandon an instruction half-way.

using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.IRQControllers;
using Antmicro.Renode.Peripherals.Memory;
using Antmicro.Renode.Peripherals.Timers;
using Antmicro.Renode.Time;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class STM32F103_MemoryMap : IPeripheral
    {
        // scrap: a page of memory that nothing else uses, and its address
        public STM32F103_MemoryMap(IMachine machine, CortexM cpu, NVIC nvic, MappedMemory flash, MappedMemory scrap, ulong scrapAddress)
        {
            this.machine = machine;
            this.cpu = cpu;
            this.nvic = nvic;
            this.flash = flash;
            this.scrap = scrap;
            this.scrapAddress = scrapAddress;
            // Not at once: the processor is in the middle of an instruction. On silicon, too, a write faults late.
            faultDelay = new LimitTimer(machine.ClockSource, 1000000, this, "fault delay", limit: 1, workMode: WorkMode.OneShot, eventEnabled: true);
            faultDelay.LimitReached += RaiseFault;
            cpu.EnableExternalWindowMmu(ExternalMmuPosition.Replace);
            cpu.AddHookOnMmuFault(OnAccessOutsideWindows);
        }

        public void Reset()
        {
            faultDelay.Reset();
            foreach(var window in scrapWindows)
            {
                cpu.ResetMmuWindow(window);
            }
            scrapWindows.Clear();
        }

        // The processor remembers what this decides page by page, so windows are pages, too.
        private ExternalMmuResult OnAccessOutsideWindows(ulong address, AccessType type, ulong? window, bool firstTry)
        {
            var page = address & ~(PageSize - 1);
            var target = machine.SystemBus.WhatPeripheralIsAt(address);
            if(target == flash && type != AccessType.Write)
            {
                OpenWindow(page, ExternalMmuBase.Privilege.Read | ExternalMmuBase.Privilege.Execute);
            }
            else if(target != null && target != flash && target != scrap)
            {
                OpenWindow(page, ExternalMmuBase.Privilege.All);
            }
            else
            {
                this.Log(LogLevel.Error, "Bus fault: {0} at 0x{1:X8} by the instruction at 0x{2:X8}.", type, address, (ulong)cpu.PC);
                if(window != null)
                {
                    cpu.ResetMmuWindow(window.Value);
                }
                var scrapWindow = OpenWindow(page, ExternalMmuBase.Privilege.All);
                cpu.SetMmuWindowAddend(scrapWindow, unchecked(scrapAddress - page));
                scrapWindows.Add(scrapWindow);
                cpu.FaultStatus |= ImpreciseDataBusError;
                faultDelay.Enabled = true;
            }
            return ExternalMmuResult.NoFault;
        }

        // A fault while interrupts are disabled escalates, DDI 0403 B1.5.9.
        private void RaiseFault()
        {
            nvic.SetPendingIRQ(cpu.GetPrimask(false) != 0 ? HardFault : BusFault);
        }

        private ulong OpenWindow(ulong page, ExternalMmuBase.Privilege privilege)
        {
            var window = cpu.AcquireExternalMmuWindow(ExternalMmuBase.Privilege.All);
            cpu.SetMmuWindowStart(window, page);
            cpu.SetMmuWindowEnd(window, page + PageSize);
            cpu.SetMmuWindowPrivileges(window, privilege);
            return window;
        }

        private readonly IMachine machine;
        private readonly CortexM cpu;
        private readonly NVIC nvic;
        private readonly MappedMemory flash;
        private readonly MappedMemory scrap;
        private readonly ulong scrapAddress;
        private readonly LimitTimer faultDelay;
        private readonly List<ulong> scrapWindows = new List<ulong>();

        private const int HardFault = 3;
        private const int BusFault = 5;
        private const uint ImpreciseDataBusError = 1 << 10; // of the configurable fault status register
        private const ulong PageSize = 0x400;
    }
}
