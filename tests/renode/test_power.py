"""The backup domain, stop and standby, the window watchdog and the CRC unit."""

import zlib

import pytest
from chip_registers import BKP_DR1, TIM2, Apb1, Apb2, Core, Crc, Exti, Pwr, Rcc, Rtc, Timer, Wwdg
from simulated_chip import SimulatedChip

DBP, PDDS, CWUF = 1 << 8, 1 << 1, 1 << 2
WUF, SBF, EWUP = 1 << 0, 1 << 1, 1 << 8
SECF, ALRF, RSF, CNF, RTOFF = 1 << 0, 1 << 1, 1 << 3, 1 << 4, 1 << 5
WFI = 0xBF30
BYTES = b"\x78\x56\x34\x12"


@pytest.fixture
def powered(chip: SimulatedChip) -> SimulatedChip:
    chip.write(Rcc.APB1ENR, Apb1.PWR | Apb1.BKP | Apb1.TIM2 | Apb1.WWDG)
    chip.write(Rcc.APB2ENR, Apb2.AFIO | Apb2.GPIOA)
    return chip


def start_clock(chip: SimulatedChip, seconds_to_alarm: int) -> None:
    """The RTC on LSI, a tick a second."""
    chip.write(Pwr.CR, DBP)
    chip.write(Rcc.CSR, 1)
    chip.run(1e-4)
    chip.write(Rcc.BDCR, 1 << 15 | 2 << 8)
    chip.run(1e-4)
    assert chip.read(Rtc.CRL) & (RSF | RTOFF) == RSF | RTOFF
    chip.write(Rtc.CRL, CNF)
    chip.write(Rtc.PRLL, 39_999)
    chip.write(Rtc.ALRH, 0)
    chip.write(Rtc.ALRL, seconds_to_alarm)
    chip.write(Rtc.CRL, 0)
    assert not chip.read(Rtc.CRL) & RTOFF
    chip.run(1e-4)
    assert chip.read(Rtc.CRL) & RTOFF


def test_the_clock_counts_seconds_and_rings(powered: SimulatedChip) -> None:
    start_clock(powered, 2)
    powered.run(1.5)
    assert (powered.read(Rtc.CNTL), powered.read(Rtc.CRL) & (SECF | ALRF)) == (1, SECF)
    powered.run(1.0)
    assert (powered.read(Rtc.CNTL), powered.read(Rtc.CRL) & ALRF) == (2, ALRF)


def test_the_clock_outlives_a_reset_and_not_the_loss_of_power(powered: SimulatedChip) -> None:
    start_clock(powered, 100)
    powered.write(BKP_DR1, 0x1234)
    powered.run(2.5)
    powered.command("rcc PressReset")
    powered.run(1e-3)
    powered.write(Rcc.APB1ENR, Apb1.PWR | Apb1.BKP)
    assert (powered.read(Rtc.CNTL), powered.read(BKP_DR1)) == (2, 0x1234)
    powered.command("rcc CyclePower")
    powered.run(1e-3)
    powered.write(Rcc.APB1ENR, Apb1.PWR | Apb1.BKP)
    assert (powered.read(Rtc.CNTL), powered.read(BKP_DR1)) == (0, 0)


def test_the_backup_domain_is_locked_after_a_reset(powered: SimulatedChip) -> None:
    powered.write(BKP_DR1, 0x1234)
    powered.write(Rcc.BDCR, 1)
    assert powered.read(BKP_DR1) == 0
    assert powered.read(Rcc.BDCR) == 0
    assert "DBP is clear" in powered.log()
    powered.write(Pwr.CR, DBP)
    powered.write(BKP_DR1, 0x1234)
    assert powered.read(BKP_DR1) == 0x1234


def sleep_deeply(chip: SimulatedChip) -> None:
    chip.load_handlers()
    chip.write(Core.SCR, 1 << 2)
    chip.execute(WFI, registers={}, seconds=1e-3)


def test_stop_stops_the_timers_and_an_edge_ends_it(powered: SimulatedChip) -> None:
    powered.write(TIM2 + Timer.CR1, 1)
    powered.write(Exti.RTSR, 1)
    powered.write(Exti.IMR, 1)
    powered.write(Core.NVIC_ISER0, 1 << 6)
    powered.write(Rcc.CR, powered.read(Rcc.CR) | 1 << 16)
    powered.run(2.1e-3)
    powered.write(Rcc.CFGR, 1)
    sleep_deeply(powered)
    before = powered.read(TIM2 + Timer.CNT)
    powered.run(1e-3)
    assert powered.read(TIM2 + Timer.CNT) == before
    powered.command("sysbus.gpioPortA OnGPIO 0 true")
    powered.run(1e-3)
    assert powered.read(TIM2 + Timer.CNT) != before
    assert powered.read(Rcc.CFGR) & 0xF == 0  # on the internal oscillator


def test_the_wake_up_pin_ends_standby_with_a_reset(powered: SimulatedChip) -> None:
    powered.write(0x20000000, 0x12345678)
    powered.write(Pwr.CR, PDDS | CWUF)
    powered.write(Pwr.CSR, EWUP)
    sleep_deeply(powered)
    powered.run(1e-3)
    assert powered.command("cpu IsHalted") == "True"
    powered.command("sysbus.gpioPortA OnGPIO 0 true")
    powered.run(1e-3)
    powered.write(Rcc.APB1ENR, Apb1.PWR)
    assert powered.read(Pwr.CSR) & (WUF | SBF) == WUF | SBF
    assert powered.read(0x20000000) == 0xA5A5A5A5


def test_the_window_watchdog_resets_a_chip_that_does_not_feed_it(powered: SimulatedChip) -> None:
    powered.write(Wwdg.CFR, 3 << 7 | 0x7F)
    powered.write(Wwdg.CR, 0xFF)
    step = 4096 * 8 / 8e6
    powered.run(62 * step)
    assert powered.read(Wwdg.CR) == 0x80 | 0x7F - 62
    powered.write(Wwdg.CR, 0xFF)
    powered.run(63.5 * step)
    assert powered.read(Wwdg.SR) == 1
    powered.run(1.0 * step)
    assert powered.read(Rcc.CSR) & 1 << 30


def test_feeding_outside_the_window_resets_the_chip(powered: SimulatedChip) -> None:
    powered.write(Wwdg.CFR, 0x50)
    powered.write(Wwdg.CR, 0xFF)
    powered.write(Wwdg.CR, 0xFF)
    powered.run(1e-4)
    assert powered.read(Rcc.CSR) & 1 << 30


def test_the_crc_unit_computes_the_checksum_of_ethernet(chip: SimulatedChip) -> None:
    """zlib's has its bits reversed and inverted."""
    chip.write(Rcc.AHBENR, 0x54)
    word = int.from_bytes(BYTES, "little")
    reverse = int(f"{word:032b}"[::-1], 2)
    chip.write(Crc.DR, reverse)
    result = int(f"{chip.read(Crc.DR):032b}"[::-1], 2) ^ 0xFFFFFFFF
    assert result == zlib.crc32(BYTES)
    chip.write(Crc.CR, 1)
    assert chip.read(Crc.DR) == 0xFFFFFFFF
