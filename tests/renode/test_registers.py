"""Reset values and read-back masks, for each register that is modelled.

Captured on a genuine STM32F103 where the row says so: the register checks of labwired-core's
stm32f1_mmio_diff.rs (by ST-Link, DEV_ID 0x410). The other rows are RM0008's.
"""

from dataclasses import dataclass

import pytest
from chip_registers import (
    DBGMCU_CR,
    DBGMCU_IDCODE,
    GPIOA,
    GPIOC,
    Apb2,
    Channel,
    Core,
    Dma1,
    Flash,
    Gpio,
    Iwdg,
    Rcc,
    Usart1,
    dma_channel,
)
from simulated_chip import SimulatedChip

ALL = 0xFFFFFFFF


@dataclass(frozen=True)
class Register:
    """`kept`: the bits that read back as written, None where a write would start something.

    `written`: the pattern for that, all ones by default. `captured`: measured on silicon.
    """

    name: str
    address: int
    reset: int
    kept: int | None = None
    written: int = ALL
    captured: bool = False


REGISTERS = [
    Register("RCC_CR", Rcc.CR, 0x4A83, captured=True),
    Register("RCC_CFGR", Rcc.CFGR, 0, 0x700, written=0x700, captured=True),
    Register("RCC_CIR", Rcc.CIR, 0, 0x1F00, captured=True),
    Register("RCC_AHBENR", Rcc.AHBENR, 0x14, 0x55, captured=True),
    Register("RCC_APB1ENR", Rcc.APB1ENR, 0, 0x1AE64807, captured=True),
    Register("RCC_APB2ENR", Rcc.APB2ENR, 0, 0x5E7D, captured=True),
    Register("RCC_APB1RSTR", Rcc.APB1RSTR, 0, 0x1AE64807),
    Register("RCC_APB2RSTR", Rcc.APB2RSTR, 0, 0x5E7D),
    Register("RCC_BDCR", Rcc.BDCR, 0, 0),
    Register("RCC_CSR", Rcc.CSR, 0x0C000000, 0x0C000001, written=0x00000001),
    Register("FLASH_ACR", Flash.ACR, 0x30, 0x3F, written=0x1F, captured=True),
    Register("FLASH_SR", Flash.SR, 0, 0, captured=True),
    Register("FLASH_CR", Flash.CR, 0x80, 0x80, captured=True),
    Register("FLASH_OBR", Flash.OBR, 0x03FFFFFC, 0x03FFFFFC, captured=True),
    Register("FLASH_WRPR", Flash.WRPR, ALL, ALL, written=0),
    Register("DBGMCU_IDCODE", DBGMCU_IDCODE, 0x20036410, 0x20036410, written=0, captured=True),
    Register("DBGMCU_CR", DBGMCU_CR, 0, 0x1F, written=0x1F, captured=True),
    Register("IWDG_PR", Iwdg.PR, 0, 0, captured=True),
    Register("IWDG_RLR", Iwdg.RLR, 0xFFF, 0xFFF, written=0, captured=True),
    Register("IWDG_SR", Iwdg.SR, 0, 0, captured=True),
    Register("USART1_SR", Usart1.SR, 0xC0, captured=True),
    Register("USART1_BRR", Usart1.BRR, 0, 0xFFFF, captured=True),
    Register("USART1_CR1", Usart1.CR1, 0, 0x1FFC, written=0x1FFE, captured=True),
    Register("USART1_CR2", Usart1.CR2, 0, 0x7F6F, captured=True),
    Register("USART1_CR3", Usart1.CR3, 0, 0x7FF, captured=True),
    Register("USART1_GTPR", Usart1.GTPR, 0, 0xFFFF, captured=True),
    Register("DMA1_ISR", Dma1.ISR, 0, 0, captured=True),
    *(
        Register(f"DMA1_{name.name}{number}", dma_channel(number) + name, 0, kept, written, captured)
        for number in range(1, 8)
        for name, kept, written, captured in (
            (Channel.CCR, 0x7FFE, 0xFFFFFFFE, True),
            (Channel.CNDTR, 0xFFFF, ALL, True),
            (Channel.CPAR, ALL, ALL, True),
            (Channel.CMAR, ALL, ALL, True),
        )
    ),
    *(
        Register(f"GPIO{port}_{name.name}", base + name, reset, kept)
        for port, base in (("A", GPIOA), ("C", GPIOC))
        for name, reset, kept in (
            (Gpio.CRL, 0x44444444, ALL),
            (Gpio.CRH, 0x44444444, ALL),
            (Gpio.ODR, 0, 0xFFFF),
            (Gpio.BSRR, 0, 0),
            (Gpio.BRR, 0, 0),
            (Gpio.LCKR, 0, 0xFFFF),
        )
    ),
    Register("SYST_CSR", Core.SYST_CSR, 0, 0x6, written=0x6),
    Register("CCR", Core.CCR, 0),
    Register("CFSR", Core.CFSR, 0, 0),
    Register("HFSR", Core.HFSR, 0, 0),
    Register("DWT_CTRL", Core.DWT_CTRL, 0x40000000, 0x40000001, written=1),
    Register("DWT_CYCCNT", Core.DWT_CYCCNT, 0, ALL),
]


@pytest.fixture(scope="module")
def clocked(simulator: SimulatedChip) -> SimulatedChip:
    """One chip for all rows, its peripherals clocked and nothing else written."""
    simulator.restart()
    clock_all(simulator)
    return simulator


def clock_all(chip: SimulatedChip) -> None:
    chip.write(Rcc.AHBENR, 0x15)
    chip.write(Rcc.APB2ENR, Apb2.GPIOA | Apb2.GPIOC | Apb2.USART1)


UNTOUCHED = {Rcc.AHBENR, Rcc.APB2ENR}


@pytest.mark.parametrize("register", REGISTERS, ids=lambda register: register.name)
def test_a_register_reads_as_on_silicon(clocked: SimulatedChip, register: Register) -> None:
    if register.address in UNTOUCHED:
        clocked.write(register.address, register.reset)
    before = clocked.read(register.address)
    assert before == register.reset
    if register.kept is None:
        return
    clocked.write(register.address, register.written)
    after = clocked.read(register.address)
    clocked.write(register.address, before)
    clock_all(clocked)
    assert after == register.kept
