// What the chip's bus answers to, RM0008 3.3: the peripherals and memories of the platform description. Anything else
// is a bus fault, where Renode by itself would log a warning and read zero. A read or a fetch is abandoned before it
// has an effect and the fault gives its address; a write goes through the processor's write buffer, so it is lost and
// the fault comes a little later, without an address (DDI 0337, 14.8).
//
// Renode's processors can check every access against windows of whole pages. They open as their pages are first used.

using System.Collections.Generic;

using Antmicro.Renode.Core;
using Antmicro.Renode.Logging;
using Antmicro.Renode.Peripherals.CPU;
using Antmicro.Renode.Peripherals.IRQControllers;
using Antmicro.Renode.Peripherals.Memory;
using Antmicro.Renode.Peripherals.MTD;
using Antmicro.Renode.Peripherals.Timers;

namespace Antmicro.Renode.Peripherals.Miscellaneous
{
    public class STM32F103_MemoryMap : IPeripheral
    {
        // rom: the system memory, which cannot be written; scrap: a page of memory that nothing else uses, and its address
        public STM32F103_MemoryMap(IMachine machine, CortexM cpu, CortexM3_NVIC nvic, STM32F103_Flash flash, MappedMemory rom,
            MappedMemory scrap, ulong scrapAddress)
        {
            this.machine = machine;
            this.cpu = cpu;
            this.nvic = nvic;
            this.flash = flash;
            this.rom = rom;
            this.scrap = scrap;
            this.scrapAddress = scrapAddress;
            lateFault = new Alarm(machine, this, "late fault", RaiseLateFault);
            flash.WriteRefused += () => lateFault.SetIn(WriteBufferDelay);
            cpu.EnableExternalWindowMmu(ExternalMmuPosition.Replace);
            cpu.AddHookOnMmuFault(OnAccessOutsideWindows);
        }

        public void Reset()
        {
            lateFault.Cancel();
            CloseScrap();
        }

        // Whether there is something at this address that can be read or written. Flash cannot be written in place.
        public bool Answers(ulong address, bool isWrite)
        {
            var target = machine.SystemBus.WhatPeripheralIsAt(address);
            var isReadOnly = target == rom || flash.TryGetPort(PageOf(address), out var _);
            return target != null && target != scrap && !(isReadOnly && isWrite);
        }

        // Renode asks twice about an access that is a fault: the second time it restores the registers to those before
        // the instruction, whatever is answered, and lets the pending fault in.
        private ExternalMmuResult OnAccessOutsideWindows(ulong address, AccessType type, ulong? window, bool firstTry)
        {
            var page = PageOf(address);
            if(OpenWindow(page, address, type))
            {
                return ExternalMmuResult.NoFault;
            }
            if(type == AccessType.Write || nvic.HandlerIsActive)
            {
                Report(address, type);
                OpenScrap(page, type);
                lateFault.SetIn(WriteBufferDelay);
                return ExternalMmuResult.NoFault;
            }
            if(firstTry)
            {
                return ExternalMmuResult.Fault;
            }
            Report(address, type);
            nvic.RaisePreciseBusFault(cpu, (uint)address, type == AccessType.Execute);
            cpu.FlushTlbPage(address); // or Renode counts the instructions of this block twice
            return ExternalMmuResult.NoFault;
        }

        private bool OpenWindow(ulong page, ulong address, AccessType type)
        {
            if(flash.TryGetPort(page, out var port))
            {
                if(type == AccessType.Write)
                {
                    Redirect(page, port, ExternalMmuBase.Privilege.Write);
                }
                else
                {
                    Redirect(page, page, ReadAndExecute);
                }
                return true;
            }
            var isWrite = type == AccessType.Write;
            if(!Answers(STM32F103_BitBand.Target(address) ?? address, isWrite))
            {
                return false;
            }
            var isRom = machine.SystemBus.WhatPeripheralIsAt(address) == rom;
            Redirect(page, page, isRom ? ReadAndExecute : ExternalMmuBase.Privilege.All);
            return true;
        }

        private ulong Redirect(ulong page, ulong target, ExternalMmuBase.Privilege privilege)
        {
            var window = cpu.AcquireExternalMmuWindow(privilege);
            cpu.SetMmuWindowStart(window, page);
            cpu.SetMmuWindowEnd(window, page + PageSize);
            cpu.SetMmuWindowPrivileges(window, privilege);
            cpu.SetMmuWindowAddend(window, unchecked(target - page));
            return window;
        }

        private static ulong PageOf(ulong address) => address & ~(PageSize - 1);

        private void OpenScrap(ulong page, AccessType type)
        {
            var privilege = type == AccessType.Write ? ExternalMmuBase.Privilege.Write
                : type == AccessType.Read ? ExternalMmuBase.Privilege.Read : ExternalMmuBase.Privilege.Execute;
            scrapWindows.Add(Redirect(page, scrapAddress, privilege));
        }

        private void CloseScrap()
        {
            foreach(var window in scrapWindows)
            {
                var page = cpu.GetMmuWindowStart(window);
                cpu.ResetMmuWindow(window);
                cpu.FlushTlbPage(page);
            }
            scrapWindows.Clear();
        }

        private void RaiseLateFault()
        {
            CloseScrap();
            nvic.RaiseImpreciseBusFault(cpu);
        }

        private void Report(ulong address, AccessType type)
        {
            this.Log(LogLevel.Error, "Bus fault: {0} at 0x{1:X8} near the instruction at 0x{2:X8}.", type, address, (ulong)cpu.PC);
        }

        private readonly IMachine machine;
        private readonly CortexM cpu;
        private readonly CortexM3_NVIC nvic;
        private readonly STM32F103_Flash flash;
        private readonly MappedMemory rom;
        private readonly MappedMemory scrap;
        private readonly ulong scrapAddress;
        private readonly Alarm lateFault;
        private readonly List<ulong> scrapWindows = new List<ulong>();

        private const ExternalMmuBase.Privilege ReadAndExecute = ExternalMmuBase.Privilege.Read | ExternalMmuBase.Privilege.Execute;
        private const double WriteBufferDelay = 1000; // ns
        private const ulong PageSize = 0x400;
    }
}
