"""Reset values and read-back masks, for each register that is modelled.

Captured on a genuine STM32F103 where the row says so: the register checks of labwired-core's
stm32f1_mmio_diff.rs (by ST-Link, DEV_ID 0x410). The other rows are RM0008's.
"""

from dataclasses import dataclass

import pytest
from chip_registers import (
    ADC1,
    ADC2,
    BKP_DR1,
    DBGMCU_CR,
    DBGMCU_IDCODE,
    GPIOA,
    GPIOB,
    GPIOC,
    GPIOD,
    GPIOE,
    I2C1,
    I2C2,
    SPI1,
    SPI2,
    TIM1,
    TIM2,
    TIM3,
    TIM4,
    USART2,
    USART3,
    Adc,
    Afio,
    Channel,
    Core,
    Crc,
    Dma1,
    Exti,
    Flash,
    Gpio,
    I2c,
    Iwdg,
    Pwr,
    Rcc,
    Rtc,
    Spi,
    Timer,
    Usart,
    Usart1,
    Usb,
    Wwdg,
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
    *(
        Register(f"{port}_{name.name}", base + name, reset, kept, written, captured)
        for port, base in (("USART1", Usart1.SR), ("USART2", USART2), ("USART3", USART3))
        for name, reset, kept, written, captured in (
            (Usart.SR, 0xC0, None, ALL, True),
            (Usart.BRR, 0, 0xFFFF, ALL, True),
            (Usart.CR1, 0, 0x1FFC, 0x1FFE, True),
            (Usart.CR2, 0, 0x7F6F, ALL, True),
            (Usart.CR3, 0, 0x7FF, ALL, True),
            (Usart.GTPR, 0, 0xFFFF, ALL, True),
        )
    ),
    *(
        Register(f"{spi}_{name.name}", base + name, reset, kept, written, captured)
        for spi, base in (("SPI1", SPI1), ("SPI2", SPI2))
        for name, reset, kept, written, captured in (
            (Spi.CR1, 0, 0xFFBB, 0xFFBB, True),  # neither SPE nor MSTR
            (Spi.CR2, 0, 0xE7, ALL, True),
            (Spi.SR, 2, None, ALL, False),
            (Spi.CRCPR, 7, 0xFFFF, ALL, True),
            (Spi.RXCRCR, 0, 0, ALL, False),
            (Spi.TXCRCR, 0, 0, ALL, False),
        )
    ),
    *(
        Register(f"{i2c}_{name.name}", base + name, reset, kept, ALL, captured)
        for i2c, base in (("I2C1", I2C1), ("I2C2", I2C2))
        for name, reset, kept, captured in (
            (I2c.CR1, 0, None, False),
            (I2c.CR2, 0, 0x1F3F, True),
            (I2c.OAR1, 0, 0xC3FF, False),
            (I2c.OAR2, 0, 0xFF, True),
            (I2c.SR1, 0, 0, False),
            (I2c.SR2, 0, 0, False),
            (I2c.CCR, 0, 0xCFFF, True),
            (I2c.TRISE, 2, 0x3F, True),
        )
    ),
    *(
        Register(f"{timer}_{name.name}", base + name, reset, kept, written, captured)
        for timer, base in (("TIM1", TIM1), ("TIM2", TIM2), ("TIM3", TIM3), ("TIM4", TIM4))
        for name, reset, kept, written, captured in (
            (Timer.CR1, 0, 0x3EE, 0x3EE, True),
            (Timer.CR2, 0, 0x7FFD if base == TIM1 else 0xF8, ALL, True),
            (Timer.SMCR, 0, 0xFFF7, ALL, True),
            (Timer.DIER, 0, 0x7FFF if base == TIM1 else 0x5F5F, ALL, True),
            (Timer.SR, 0, 0, ALL, False),
            (Timer.CCMR1, 0, 0xFFFF, ALL, True),
            (Timer.CCMR2, 0, 0xFFFF, ALL, True),
            (Timer.CCER, 0, 0x3FFF if base == TIM1 else 0x3333, ALL, True),
            (Timer.CNT, 0, 0xFFFF, ALL, True),
            (Timer.PSC, 0, 0xFFFF, ALL, True),
            (Timer.ARR, 0xFFFF, 0xFFFF, ALL, True),
            (Timer.RCR, 0, 0xFF if base == TIM1 else 0, ALL, False),
            (Timer.CCR1, 0, 0xFFFF, ALL, True),
            (Timer.CCR2, 0, 0xFFFF, ALL, True),
            (Timer.CCR3, 0, 0xFFFF, ALL, True),
            (Timer.CCR4, 0, 0xFFFF, ALL, True),
            (Timer.DCR, 0, 0x1F1F, ALL, True),
        )
    ),
    *(
        Register(f"{adc}_{name.name}", base + name, reset, kept, written, captured)
        for adc, base in (("ADC1", ADC1), ("ADC2", ADC2))
        for name, reset, kept, written, captured in (
            (Adc.SR, 0, 0, ALL, False),
            (Adc.CR1, 0, 0xCFFFFF, ALL, True),
            (Adc.CR2, 0, 0x8EF902, 0x8EF902, True),
            (Adc.SMPR1, 0, 0xFFFFFF, ALL, False),
            (Adc.SMPR2, 0, 0x3FFFFFFF, ALL, False),
            (Adc.JOFR1, 0, 0xFFF, ALL, False),
            (Adc.HTR, 0xFFF, 0xFFF, ALL, False),
            (Adc.LTR, 0, 0xFFF, ALL, False),
            (Adc.SQR1, 0, 0xFFFFFF, ALL, False),
            (Adc.SQR2, 0, 0x3FFFFFFF, ALL, False),
            (Adc.SQR3, 0, 0x3FFFFFFF, ALL, False),
            (Adc.JSQR, 0, 0x3FFFFF, ALL, False),
            (Adc.JDR1, 0, 0, ALL, False),
            (Adc.DR, 0, 0, ALL, False),
        )
    ),
    Register("AFIO_EVCR", Afio.EVCR, 0, 0xFF, captured=True),
    Register("AFIO_MAPR", Afio.MAPR, 0, 0x1FFFFF, written=0xF8FFFFFF, captured=True),
    *(
        Register(f"AFIO_{name.name}", name, 0, 0xFFFF, captured=True)
        for name in (Afio.EXTICR1, Afio.EXTICR2, Afio.EXTICR3, Afio.EXTICR4)
    ),
    Register("AFIO_MAPR2", Afio.MAPR2, 0, 0, captured=True),
    *(
        Register(f"EXTI_{name.name}", name, 0, 0x7FFFF, captured=True)
        for name in (Exti.IMR, Exti.EMR, Exti.RTSR, Exti.FTSR)
    ),
    Register("EXTI_PR", Exti.PR, 0, 0),
    Register("PWR_CR", Pwr.CR, 0, 0x1F3),
    Register("PWR_CSR", Pwr.CSR, 0, 0x100),
    Register("BKP_DR1", BKP_DR1, 0, 0),
    Register("RTC_CRH", Rtc.CRH, 0, 0, captured=True),
    Register("RTC_CRL", Rtc.CRL, 0, 0, written=0, captured=True),
    Register("RTC_CNTH", Rtc.CNTH, 0, 0, captured=True),
    Register("RTC_CNTL", Rtc.CNTL, 0, 0, captured=True),
    Register("RTC_DIVL", Rtc.DIVL, 0x8000, 0x8000),
    Register("WWDG_CFR", Wwdg.CFR, 0x7F, 0x3FF, captured=True),
    Register("WWDG_SR", Wwdg.SR, 0, 0),
    Register("CRC_DR", Crc.DR, ALL),
    Register("CRC_IDR", Crc.IDR, 0, 0xFF),
    Register("USB_ISTR", Usb.ISTR, 0, 0),
    Register("USB_CNTR", Usb.CNTR, 3, 0xFF1F),
    Register("USB_BTABLE", Usb.BTABLE, 0, 0xFFF8),
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
        for port, base in (("A", GPIOA), ("B", GPIOB), ("C", GPIOC), ("D", GPIOD), ("E", GPIOE))
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
    chip.write(Rcc.AHBENR, 0x55)
    chip.write(Rcc.APB1ENR, ALL)
    chip.write(Rcc.APB2ENR, ALL)


UNTOUCHED = {Rcc.AHBENR, Rcc.APB1ENR, Rcc.APB2ENR}


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
