"""The converters: times, sequences, triggers, and the request for the DMA."""

import pytest
from chip_registers import ADC1, ADC2, TIM3, Adc, Apb1, Apb2, Channel, Rcc, Timer, dma_channel
from simulated_chip import SimulatedChip

ON, CONTINUOUS, CALIBRATE, DMA, EXTTRIG, SWSTART = 1 << 0, 1 << 1, 1 << 2, 1 << 8, 1 << 20, 1 << 22
SOFTWARE = 7 << 17
EOC, JEOC, STRT, AWD = 1 << 1, 1 << 2, 1 << 4, 1 << 0
SCAN = 1 << 8
CONVERSION = 14 / 4e6  # 1.5 + 12.5 clocks; PCLK2 / 2


@pytest.fixture
def converters(chip: SimulatedChip) -> SimulatedChip:
    chip.write(Rcc.AHBENR, 0x15)
    chip.write(Rcc.APB2ENR, Apb2.ADC1 | Apb2.ADC2)
    chip.write(Rcc.APB1ENR, Apb1.TIM3)
    for channel, millivolts in ((0, 3300), (1, 1650), (2, 825)):
        for converter in ("adc1", "adc2"):
            chip.command(f"{converter} SetMillivolts {channel} {millivolts}")
    for base in (ADC1, ADC2):
        chip.write(base + Adc.CR2, ON)
    return chip


def test_a_conversion_takes_its_time(converters: SimulatedChip) -> None:
    converters.write(ADC1 + Adc.SQR3, 1)
    converters.write(ADC1 + Adc.CR2, ON)
    converters.run(0.9 * CONVERSION)
    assert converters.read(ADC1 + Adc.SR) == STRT
    converters.run(0.2 * CONVERSION)
    assert converters.read(ADC1 + Adc.SR) == STRT | EOC
    assert converters.read(ADC1 + Adc.DR) == 2047
    assert converters.read(ADC1 + Adc.SR) == STRT


def test_software_starts_only_the_group_whose_trigger_it_is(converters: SimulatedChip) -> None:
    converters.write(ADC1 + Adc.CR2, ON | SWSTART)
    assert converters.read(ADC1 + Adc.SR) == 0
    converters.write(ADC1 + Adc.CR2, ON | EXTTRIG | SOFTWARE | SWSTART)
    assert converters.read(ADC1 + Adc.SR) == STRT


def test_a_scan_is_carried_away_by_the_dma(converters: SimulatedChip) -> None:
    channel = dma_channel(1)
    converters.write(channel + Channel.CPAR, ADC1 + Adc.DR)
    converters.write(channel + Channel.CMAR, 0x20000100)
    converters.write(channel + Channel.CNDTR, 3)
    converters.write(channel + Channel.CCR, 0x581)
    converters.write(ADC1 + Adc.SQR1, 2 << 20)
    converters.write(ADC1 + Adc.SQR3, 0 | 1 << 5 | 2 << 10)
    converters.write(ADC1 + Adc.CR1, SCAN)
    converters.write(ADC1 + Adc.CR2, ON | DMA | EXTTRIG | SOFTWARE | SWSTART)
    converters.run(3.1 * CONVERSION)
    assert converters.read(0x20000100) == 4095 | 2047 << 16
    assert converters.read(0x20000104) & 0xFFFF == 1023


def test_a_timer_starts_a_conversion(converters: SimulatedChip) -> None:
    converters.write(ADC1 + Adc.CR2, ON | EXTTRIG | 4 << 17)
    converters.write(TIM3 + Timer.ARR, 799)
    converters.write(TIM3 + Timer.CR2, 2 << 4)
    converters.write(TIM3 + Timer.CR1, 1)
    converters.run(99e-6)
    assert converters.read(ADC1 + Adc.SR) == 0
    converters.run(2e-6 + CONVERSION)
    assert converters.read(ADC1 + Adc.SR) == STRT | EOC


def test_the_injected_group_ends_at_its_last_place(converters: SimulatedChip) -> None:
    converters.write(ADC1 + Adc.JSQR, 1 << 15)  # one channel: JSQ4
    converters.write(ADC1 + Adc.JOFR1, 47)
    converters.write(ADC1 + Adc.CR2, ON | 1 << 15 | 7 << 12 | 1 << 21)
    converters.run(1.1 * CONVERSION)
    assert converters.read(ADC1 + Adc.SR) & JEOC
    assert converters.read(ADC1 + Adc.JDR1) == 2000


def test_the_watchdog_sees_a_value_outside_its_window(converters: SimulatedChip) -> None:
    converters.write(ADC1 + Adc.CR1, 1 << 23)
    converters.write(ADC1 + Adc.HTR, 4000)
    converters.write(ADC1 + Adc.CR2, ON)
    converters.run(1.1 * CONVERSION)
    assert converters.read(ADC1 + Adc.SR) & AWD


def test_calibration_ends_by_itself(converters: SimulatedChip) -> None:
    converters.write(ADC1 + Adc.CR2, ON | CALIBRATE)
    assert converters.read(ADC1 + Adc.CR2) & CALIBRATE
    converters.run(30e-6)
    assert not converters.read(ADC1 + Adc.CR2) & CALIBRATE


def test_both_converters_convert_at_once(converters: SimulatedChip) -> None:
    converters.write(ADC1 + Adc.CR1, 6 << 16)
    converters.write(ADC2 + Adc.SQR3, 1)
    converters.write(ADC1 + Adc.CR2, ON)
    converters.run(1.1 * CONVERSION)
    assert converters.read(ADC1 + Adc.DR) == 4095 | 2047 << 16
