"""Counting, compare outputs, captures, triggers and DMA requests of the timers, at 8 MHz."""

import pytest
from chip_registers import (
    GPIOA,
    TIM1,
    TIM2,
    TIM3,
    Afio,
    Apb1,
    Apb2,
    Channel,
    Core,
    Gpio,
    Rcc,
    Timer,
    dma_channel,
)
from simulated_chip import SimulatedChip

ENABLE, ONE_PULSE, DOWN, CENTRE = 1 << 0, 1 << 3, 1 << 4, 1 << 5
UIF, CC1IF = 1 << 0, 1 << 1
PWM1 = 0x68


@pytest.fixture
def timers(chip: SimulatedChip) -> SimulatedChip:
    chip.write(Rcc.AHBENR, 0x15)
    chip.write(Rcc.APB1ENR, Apb1.TIM2 | Apb1.TIM3 | Apb1.TIM4)
    chip.write(Rcc.APB2ENR, Apb2.AFIO | Apb2.GPIOA | Apb2.GPIOB | Apb2.TIM1)
    chip.write(GPIOA + Gpio.CRL, 0x4444444B)
    return chip


def count_microseconds(chip: SimulatedChip, timer: int, reload: int) -> None:
    chip.write(timer + Timer.PSC, 7)
    chip.write(timer + Timer.ARR, reload)
    chip.write(timer + Timer.EGR, 1)
    chip.write(timer + Timer.SR, 0)


def level(chip: SimulatedChip, pin: int) -> int:
    return chip.read(GPIOA + Gpio.IDR) >> pin & 1


def test_the_counter_counts_its_clock_and_wraps(timers: SimulatedChip) -> None:
    count_microseconds(timers, TIM2, 999)
    timers.write(TIM2 + Timer.CR1, ENABLE)
    timers.run(999e-6)
    assert (timers.read(TIM2 + Timer.CNT), timers.read(TIM2 + Timer.SR) & UIF) == (999, 0)
    timers.run(101e-6)
    assert (timers.read(TIM2 + Timer.CNT), timers.read(TIM2 + Timer.SR) & UIF) == (100, UIF)
    timers.run(3.5)
    assert timers.read(TIM2 + Timer.CNT) == 100


def test_the_prescaler_waits_for_an_update(timers: SimulatedChip) -> None:
    timers.write(TIM2 + Timer.PSC, 7)
    timers.write(TIM2 + Timer.CR1, ENABLE)
    timers.run(10e-6)
    assert timers.read(TIM2 + Timer.CNT) == 80


@pytest.mark.parametrize(
    ("control", "reload", "counts"),
    [(DOWN, 999, [899, 799, 900]), (CENTRE, 1000, [100, 200, 901])],
    ids=["down", "centre"],
)
def test_the_counter_counts_down_or_both_ways(
    timers: SimulatedChip, control: int, reload: int, counts: list[int]
) -> None:
    count_microseconds(timers, TIM2, reload)
    timers.write(TIM2 + Timer.CR1, control)
    timers.write(TIM2 + Timer.EGR, 1)
    timers.write(TIM2 + Timer.CR1, control | ENABLE)
    for seconds, count in zip((100e-6, 100e-6, 899e-6), counts, strict=True):
        timers.run(seconds)
        assert timers.read(TIM2 + Timer.CNT) == count


def test_an_update_interrupts(timers: SimulatedChip) -> None:
    count_microseconds(timers, TIM2, 99)
    timers.write(TIM2 + Timer.DIER, UIF)
    timers.write(TIM2 + Timer.CR1, ENABLE)
    timers.run(99e-6)
    assert not timers.read(Core.NVIC_ISPR0) & 1 << 28
    timers.run(1.1e-6)
    assert timers.read(Core.NVIC_ISPR0) & 1 << 28


def test_one_pulse_stops_the_counter(timers: SimulatedChip) -> None:
    count_microseconds(timers, TIM2, 99)
    timers.write(TIM2 + Timer.CR1, ENABLE | ONE_PULSE)
    timers.run(150e-6)
    assert timers.read(TIM2 + Timer.CR1) == ONE_PULSE
    assert timers.read(TIM2 + Timer.CNT) == 0


def test_pwm_drives_its_pin(timers: SimulatedChip) -> None:
    count_microseconds(timers, TIM2, 99)
    timers.write(TIM2 + Timer.CCMR1, PWM1)
    timers.write(TIM2 + Timer.CCR1, 30)
    timers.write(TIM2 + Timer.EGR, 1)
    timers.write(TIM2 + Timer.CCER, 1)
    timers.write(TIM2 + Timer.CR1, ENABLE)
    levels = []
    for _ in range(10):
        timers.run(10e-6)
        levels.append(level(timers, 0))
    assert levels == [1, 1, 0, 0, 0, 0, 0, 0, 0, 1]


def test_remapping_moves_the_output_to_another_pin(timers: SimulatedChip) -> None:
    timers.write(TIM2 + Timer.CCMR1, 0x50)  # forced active
    timers.write(TIM2 + Timer.CCER, 1)
    assert level(timers, 0) == 1
    timers.write(GPIOA + Gpio.CRH, 0xB4444444)
    timers.write(Afio.MAPR, 1 << 8)
    assert (level(timers, 0), level(timers, 15)) == (0, 1)


def test_the_advanced_timer_needs_its_main_output_enabled(timers: SimulatedChip) -> None:
    timers.write(GPIOA + Gpio.CRH, 0x4444444B)
    timers.write(TIM1 + Timer.CCMR1, 0x50)
    timers.write(TIM1 + Timer.CCER, 1)
    assert level(timers, 8) == 0
    timers.write(TIM1 + Timer.BDTR, 1 << 15)
    assert level(timers, 8) == 1


def test_a_compare_match_sets_its_flag(timers: SimulatedChip) -> None:
    count_microseconds(timers, TIM2, 999)
    timers.write(TIM2 + Timer.CCR1, 50)
    timers.write(TIM2 + Timer.CR1, ENABLE)
    timers.run(49e-6)
    assert not timers.read(TIM2 + Timer.SR) & CC1IF
    timers.run(2e-6)
    assert timers.read(TIM2 + Timer.SR) & CC1IF
    timers.write(TIM2 + Timer.SR, 0)
    timers.run(10e-6)
    assert not timers.read(TIM2 + Timer.SR) & CC1IF


def test_an_edge_captures_the_counter(timers: SimulatedChip) -> None:
    timers.write(GPIOA + Gpio.CRL, 0x44444444)
    count_microseconds(timers, TIM2, 0xFFFF)
    timers.write(TIM2 + Timer.CCMR1, 1)
    timers.write(TIM2 + Timer.CCER, 1)
    timers.write(TIM2 + Timer.CR1, ENABLE)
    timers.run(123e-6)
    timers.command("sysbus.gpioPortA OnGPIO 0 true")
    timers.run(100e-6)
    assert timers.read(TIM2 + Timer.SR) & CC1IF
    assert timers.read(TIM2 + Timer.CCR1) == 123
    assert not timers.read(TIM2 + Timer.SR) & CC1IF
    timers.command("sysbus.gpioPortA OnGPIO 0 false")
    assert not timers.read(TIM2 + Timer.SR) & CC1IF


def test_an_encoder_counts_both_ways(timers: SimulatedChip) -> None:
    timers.write(GPIOA + Gpio.CRL, 0x44444444)
    timers.write(TIM2 + Timer.CCMR1, 0x0101)
    timers.write(TIM2 + Timer.SMCR, 3)
    timers.write(TIM2 + Timer.CR1, ENABLE)

    def turn(*edges: tuple[int, str]) -> int:
        for pin, value in edges:
            timers.command(f"sysbus.gpioPortA OnGPIO {pin} {value}")
        return timers.read(TIM2 + Timer.CNT)

    assert turn((0, "true"), (1, "true"), (0, "false"), (1, "false")) == 4
    assert turn((1, "true"), (0, "true")) == 2


def test_a_timer_counts_the_updates_of_another(timers: SimulatedChip) -> None:
    count_microseconds(timers, TIM2, 9)
    timers.write(TIM2 + Timer.CR2, 2 << 4)
    timers.write(TIM3 + Timer.SMCR, 1 << 4 | 7)
    timers.write(TIM3 + Timer.CR1, ENABLE)
    timers.write(TIM2 + Timer.CR1, ENABLE)
    timers.run(105e-6)
    assert timers.read(TIM3 + Timer.CNT) == 10


def test_an_update_asks_for_one_item(timers: SimulatedChip) -> None:
    """TIM3's update is a request of channel 3."""
    channel = dma_channel(3)
    for k in range(4):
        timers.write(0x20000100 + 4 * k, 0x11 * (k + 1))
    timers.write(channel + Channel.CPAR, GPIOA + Gpio.ODR)
    timers.write(channel + Channel.CMAR, 0x20000100)
    timers.write(channel + Channel.CNDTR, 4)
    timers.write(channel + Channel.CCR, 0xA91)  # words from memory to the port
    count_microseconds(timers, TIM3, 9)
    timers.write(TIM3 + Timer.DIER, 1 << 8)
    timers.write(TIM3 + Timer.CR1, ENABLE)
    timers.run(25e-6)
    assert timers.read(GPIOA + Gpio.ODR) == 0x22
    assert timers.read(channel + Channel.CNDTR) == 2
