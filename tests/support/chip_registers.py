"""Addresses of the STM32F103's registers, RM0008 3.3, and the bits that the tests use."""

from enum import IntEnum, IntFlag


class Rcc(IntEnum):
    CR = 0x40021000
    CFGR = 0x40021004
    CIR = 0x40021008
    APB2RSTR = 0x4002100C
    APB1RSTR = 0x40021010
    AHBENR = 0x40021014
    APB2ENR = 0x40021018
    APB1ENR = 0x4002101C
    BDCR = 0x40021020
    CSR = 0x40021024


class Apb2(IntFlag):
    """Bits of RCC_APB2ENR and RCC_APB2RSTR."""

    AFIO = 1 << 0
    GPIOA = 1 << 2
    GPIOB = 1 << 3
    GPIOC = 1 << 4
    ADC1 = 1 << 9
    ADC2 = 1 << 10
    TIM1 = 1 << 11
    SPI1 = 1 << 12
    USART1 = 1 << 14


class Apb1(IntFlag):
    """Bits of RCC_APB1ENR and RCC_APB1RSTR."""

    TIM2 = 1 << 0
    TIM3 = 1 << 1
    TIM4 = 1 << 2
    WWDG = 1 << 11
    SPI2 = 1 << 14
    USART2 = 1 << 17
    USART3 = 1 << 18
    I2C1 = 1 << 21
    I2C2 = 1 << 22
    USB = 1 << 23
    CAN = 1 << 25
    BKP = 1 << 27
    PWR = 1 << 28


class Gpio(IntEnum):
    """Offsets in a port."""

    CRL = 0x00
    CRH = 0x04
    IDR = 0x08
    ODR = 0x0C
    BSRR = 0x10
    BRR = 0x14
    LCKR = 0x18


GPIOA = 0x40010800
GPIOB = 0x40010C00
GPIOC = 0x40011000
GPIOD = 0x40011400
GPIOE = 0x40011800


class Afio(IntEnum):
    EVCR = 0x40010000
    MAPR = 0x40010004
    EXTICR1 = 0x40010008
    EXTICR2 = 0x4001000C
    EXTICR3 = 0x40010010
    EXTICR4 = 0x40010014
    MAPR2 = 0x4001001C


class Exti(IntEnum):
    IMR = 0x40010400
    EMR = 0x40010404
    RTSR = 0x40010408
    FTSR = 0x4001040C
    SWIER = 0x40010410
    PR = 0x40010414


class Timer(IntEnum):
    """Offsets in a timer."""

    CR1 = 0x00
    CR2 = 0x04
    SMCR = 0x08
    DIER = 0x0C
    SR = 0x10
    EGR = 0x14
    CCMR1 = 0x18
    CCMR2 = 0x1C
    CCER = 0x20
    CNT = 0x24
    PSC = 0x28
    ARR = 0x2C
    RCR = 0x30
    CCR1 = 0x34
    CCR2 = 0x38
    CCR3 = 0x3C
    CCR4 = 0x40
    BDTR = 0x44
    DCR = 0x48
    DMAR = 0x4C


TIM1 = 0x40012C00
TIM2 = 0x40000000
TIM3 = 0x40000400
TIM4 = 0x40000800


class Usart1(IntEnum):
    SR = 0x40013800
    DR = 0x40013804
    BRR = 0x40013808
    CR1 = 0x4001380C
    CR2 = 0x40013810
    CR3 = 0x40013814
    GTPR = 0x40013818


class Usart(IntEnum):
    """Offsets in a USART."""

    SR = 0x00
    DR = 0x04
    BRR = 0x08
    CR1 = 0x0C
    CR2 = 0x10
    CR3 = 0x14
    GTPR = 0x18


USART2 = 0x40004400
USART3 = 0x40004800


class UsartStatus(IntFlag):
    PE = 1 << 0
    FE = 1 << 1
    NE = 1 << 2
    ORE = 1 << 3
    IDLE = 1 << 4
    RXNE = 1 << 5
    TC = 1 << 6
    TXE = 1 << 7


class Flash(IntEnum):
    ACR = 0x40022000
    KEYR = 0x40022004
    OPTKEYR = 0x40022008
    SR = 0x4002200C
    CR = 0x40022010
    AR = 0x40022014
    OBR = 0x4002201C
    WRPR = 0x40022020


class Iwdg(IntEnum):
    KR = 0x40003000
    PR = 0x40003004
    RLR = 0x40003008
    SR = 0x4000300C


class Spi(IntEnum):
    """Offsets in an SPI."""

    CR1 = 0x00
    CR2 = 0x04
    SR = 0x08
    DR = 0x0C
    CRCPR = 0x10
    RXCRCR = 0x14
    TXCRCR = 0x18
    I2SCFGR = 0x1C
    I2SPR = 0x20


SPI1 = 0x40013000
SPI2 = 0x40003800


class I2c(IntEnum):
    """Offsets in an I2C."""

    CR1 = 0x00
    CR2 = 0x04
    OAR1 = 0x08
    OAR2 = 0x0C
    DR = 0x10
    SR1 = 0x14
    SR2 = 0x18
    CCR = 0x1C
    TRISE = 0x20


I2C1 = 0x40005400
I2C2 = 0x40005800


class Adc(IntEnum):
    """Offsets in a converter."""

    SR = 0x00
    CR1 = 0x04
    CR2 = 0x08
    SMPR1 = 0x0C
    SMPR2 = 0x10
    JOFR1 = 0x14
    HTR = 0x24
    LTR = 0x28
    SQR1 = 0x2C
    SQR2 = 0x30
    SQR3 = 0x34
    JSQR = 0x38
    JDR1 = 0x3C
    DR = 0x4C


ADC1 = 0x40012400
ADC2 = 0x40012800


class Pwr(IntEnum):
    CR = 0x40007000
    CSR = 0x40007004


class Rtc(IntEnum):
    CRH = 0x40002800
    CRL = 0x40002804
    PRLH = 0x40002808
    PRLL = 0x4000280C
    DIVH = 0x40002810
    DIVL = 0x40002814
    CNTH = 0x40002818
    CNTL = 0x4000281C
    ALRH = 0x40002820
    ALRL = 0x40002824


class Wwdg(IntEnum):
    CR = 0x40002C00
    CFR = 0x40002C04
    SR = 0x40002C08


class Crc(IntEnum):
    DR = 0x40023000
    IDR = 0x40023004
    CR = 0x40023008


class Usb(IntEnum):
    CNTR = 0x40005C40
    ISTR = 0x40005C44
    BTABLE = 0x40005C50


BKP_DR1 = 0x40006C04


class Dma1(IntEnum):
    ISR = 0x40020000
    IFCR = 0x40020004


class Channel(IntEnum):
    """Offsets in a DMA channel, which begins at `dma_channel`."""

    CCR = 0x0
    CNDTR = 0x4
    CPAR = 0x8
    CMAR = 0xC


def dma_channel(number: int) -> int:
    return 0x40020008 + 0x14 * (number - 1)


class Core(IntEnum):
    """The processor's own, DDI 0403."""

    DWT_CTRL = 0xE0001000
    DWT_CYCCNT = 0xE0001004
    SYST_CSR = 0xE000E010
    SYST_RVR = 0xE000E014
    SYST_CVR = 0xE000E018
    NVIC_ISER0 = 0xE000E100
    NVIC_ISPR0 = 0xE000E200
    NVIC_ISPR1 = 0xE000E204
    ICSR = 0xE000ED04
    SCR = 0xE000ED10
    VTOR = 0xE000ED08
    CCR = 0xE000ED14
    SHCSR = 0xE000ED24
    CFSR = 0xE000ED28
    HFSR = 0xE000ED2C
    BFAR = 0xE000ED38
    DEMCR = 0xE000EDFC


DBGMCU_IDCODE = 0xE0042000
DBGMCU_CR = 0xE0042004
