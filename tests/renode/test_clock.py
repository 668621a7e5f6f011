"""Oscillators need their time, limits are checked at every change, and a reset resets what it should."""

import pytest
from chip_registers import DBGMCU_CR, GPIOA, Apb2, Core, Flash, Gpio, Iwdg, Rcc, Usart1, UsartStatus
from simulated_chip import SimulatedChip
from simulated_line import CHARACTER, SimulatedLine

HSION, HSIRDY = 1 << 0, 1 << 1
HSEON, HSERDY = 1 << 16, 1 << 17
CSSON = 1 << 19
PLLON, PLLRDY = 1 << 24, 1 << 25
PLL_72_MHZ = 1 << 16 | 7 << 18 | 4 << 8  # HSE x 9, APB1 divided by 2
SW_HSE, SW_PLL = 1, 2
SWS = 3 << 2
LATENCY_2, PREFETCH = 2, 1 << 4


def start_crystal(chip: SimulatedChip) -> None:
    chip.set_bits(Rcc.CR, HSEON)
    chip.run(2.1e-3)


def run_at_72_mhz(chip: SimulatedChip) -> None:
    start_crystal(chip)
    chip.write(Rcc.CFGR, PLL_72_MHZ)
    chip.set_bits(Rcc.CR, PLLON)
    chip.run(0.3e-3)
    chip.write(Flash.ACR, LATENCY_2 | PREFETCH)
    chip.write(Rcc.CFGR, PLL_72_MHZ | SW_PLL)


def errors(chip: SimulatedChip) -> list[str]:
    return [line for line in chip.log().splitlines() if "[ERROR]" in line]


@pytest.mark.parametrize(("on", "ready", "seconds"), [(HSEON, HSERDY, 2e-3), (HSEON | PLLON, PLLRDY, 2.2e-3)])
def test_a_clock_is_ready_after_its_start_up_time(
    chip: SimulatedChip, on: int, ready: int, seconds: float
) -> None:
    chip.write(Rcc.CFGR, PLL_72_MHZ)
    chip.set_bits(Rcc.CR, on)
    chip.run(0.95 * seconds)
    assert not chip.read(Rcc.CR) & ready
    chip.run(0.1 * seconds)
    assert chip.read(Rcc.CR) & ready


def test_the_low_speed_oscillator_takes_its_time(chip: SimulatedChip) -> None:
    chip.write(Rcc.CSR, 1)
    assert chip.read(Rcc.CSR) & 3 == 1
    chip.run(100e-6)
    assert chip.read(Rcc.CSR) & 3 == 3


def test_a_dead_crystal_and_a_pll_without_input_are_never_ready(chip: SimulatedChip) -> None:
    chip.command("rcc CrystalSwings false")
    chip.write(Rcc.CFGR, PLL_72_MHZ)
    chip.set_bits(Rcc.CR, HSEON | PLLON)
    chip.run(0.1)
    assert not chip.read(Rcc.CR) & (HSERDY | PLLRDY)


def test_the_switch_waits_for_the_clock(chip: SimulatedChip) -> None:
    chip.set_bits(Rcc.CR, HSEON)
    chip.write(Rcc.CFGR, SW_HSE)
    assert chip.read(Rcc.CFGR) & SWS == 0
    chip.run(2.1e-3)
    assert chip.read(Rcc.CFGR) & SWS == SW_HSE << 2


def test_hardware_keeps_the_clock_that_runs_the_chip(chip: SimulatedChip) -> None:
    run_at_72_mhz(chip)
    chip.write(Rcc.CR, 0)
    assert chip.read(Rcc.CR) & (HSEON | PLLON) == HSEON | PLLON
    assert not chip.read(Rcc.CR) & HSION


def test_the_ready_interrupt_comes_where_it_is_enabled(chip: SimulatedChip) -> None:
    chip.write(Rcc.CIR, 1 << 11)
    start_crystal(chip)
    assert chip.read(Rcc.CIR) & 0x1F == 1 << 3
    assert chip.read(Core.NVIC_ISPR0) & 1 << 5
    chip.write(Rcc.CIR, 1 << 19)
    assert chip.read(Rcc.CIR) & 0x1F == 0


def test_a_right_start_raises_no_error(chip: SimulatedChip) -> None:
    run_at_72_mhz(chip)
    assert chip.read(Rcc.CFGR) & SWS == SW_PLL << 2
    assert errors(chip) == []


def test_missing_wait_states_are_an_error_when_the_clock_rises(chip: SimulatedChip) -> None:
    start_crystal(chip)
    chip.write(Rcc.CFGR, PLL_72_MHZ)
    chip.set_bits(Rcc.CR, PLLON)
    chip.run(0.3e-3)
    chip.write(Rcc.CFGR, PLL_72_MHZ | SW_PLL)
    assert "0 wait states at 72000000 Hz" in chip.log()


def test_missing_wait_states_are_an_error_when_latency_falls(chip: SimulatedChip) -> None:
    run_at_72_mhz(chip)
    chip.log()
    chip.write(Flash.ACR, 1 | PREFETCH)
    assert "1 wait states at 72000000 Hz" in chip.log()


@pytest.mark.parametrize(
    ("register", "value", "message"),
    [
        (Rcc.CFGR, PLL_72_MHZ & ~(7 << 8) | SW_PLL, "APB1 runs at 72000000 Hz"),
        (Rcc.CFGR, PLL_72_MHZ | 1 << 17 | SW_PLL, "PLLXTPRE was written while the PLL was on"),
        (Rcc.CFGR, PLL_72_MHZ ^ 1 << 18 | SW_PLL, "PLLMUL was written while the PLL was on"),
        (Flash.ACR, LATENCY_2 | 1 << 3, "Half-cycle access"),
    ],
)
def test_what_the_manual_forbids_is_an_error(
    chip: SimulatedChip, register: int, value: int, message: str
) -> None:
    run_at_72_mhz(chip)
    chip.write(register, value)
    assert message in chip.log()


def test_prefetch_must_be_on_while_ahb_is_divided(chip: SimulatedChip) -> None:
    chip.write(Flash.ACR, 0)
    chip.write(Rcc.CFGR, 8 << 4)
    assert "prefetch buffer is off" in chip.log()


def test_a_pll_above_72_mhz_is_an_error(chip: SimulatedChip) -> None:
    start_crystal(chip)
    chip.write(Rcc.CFGR, 1 << 16 | 8 << 18)
    chip.set_bits(Rcc.CR, PLLON)
    chip.run(0.3e-3)
    assert "The PLL runs at 80000000 Hz" in chip.log()


def count_cycles(chip: SimulatedChip, seconds: float) -> int:
    before = chip.read(Core.DWT_CYCCNT)
    chip.run(seconds)
    return chip.read(Core.DWT_CYCCNT) - before


def test_the_cycle_counter_counts_hclk_at_every_clock(chip: SimulatedChip) -> None:
    chip.write(Core.DEMCR, 1 << 24)
    chip.write(Core.DWT_CTRL, 1)
    assert count_cycles(chip, 1e-3) == 8_000
    chip.write(Rcc.CFGR, 8 << 4)
    assert count_cycles(chip, 1e-3) == 4_000
    run_at_72_mhz(chip)
    assert count_cycles(chip, 1e-3) == 72_000


def test_the_cycle_counter_stands_still_without_tracing(chip: SimulatedChip) -> None:
    chip.write(Core.DWT_CTRL, 1)
    assert count_cycles(chip, 1e-3) == 0


@pytest.mark.parametrize(("source", "ticks"), [(1 << 2, 8_000), (0, 1_000)])
def test_systick_counts_hclk_or_an_eighth_of_it(chip: SimulatedChip, source: int, ticks: int) -> None:
    chip.write(Core.SYST_RVR, 0xFFFFFF)
    chip.write(Core.SYST_CVR, 0)
    chip.write(Core.SYST_CSR, 1 | source)
    before = chip.read(Core.SYST_CVR)
    chip.run(1e-3)
    assert before - chip.read(Core.SYST_CVR) == pytest.approx(ticks, abs=2)


def test_systick_begins_with_its_reload_value(chip: SimulatedChip) -> None:
    chip.write(Core.SYST_RVR, 7_999)
    chip.write(Core.SYST_CSR, 5)
    chip.run(0.9e-3)
    assert not chip.read(Core.SYST_CSR) & 1 << 16
    chip.run(0.2e-3)
    assert chip.read(Core.SYST_CSR) & 1 << 16


@pytest.mark.parametrize("hz", [7_800_000, 8_000_000, 8_200_000])
def test_the_internal_oscillator_drifts_and_the_baud_rate_with_it(chip: SimulatedChip, hz: int) -> None:
    chip.command(f"rcc InternalFrequency {hz}")
    SimulatedLine(chip).start_usart()
    chip.write(Core.DEMCR, 1 << 24)
    chip.write(Core.DWT_CTRL, 1)
    assert count_cycles(chip, 1e-3) == hz // 1000
    chip.read(Usart1.SR)
    chip.write(Usart1.DR, 0x41)
    duration = CHARACTER * 8_000_000 / hz
    chip.run(0.99 * duration)
    assert not chip.read(Usart1.SR) & UsartStatus.TC
    chip.run(0.02 * duration)
    assert chip.read(Usart1.SR) & UsartStatus.TC


def test_a_step_of_trim_moves_the_internal_oscillator(chip: SimulatedChip) -> None:
    chip.write(Core.DEMCR, 1 << 24)
    chip.write(Core.DWT_CTRL, 1)
    chip.write(Rcc.CR, HSION | 17 << 3)
    assert count_cycles(chip, 1e-3) == 8_040


RESET_FLAGS = {"pin": 1 << 26, "power": 1 << 27, "software": 1 << 28, "watchdog": 1 << 29}


def test_the_reset_flags_name_the_cause(chip: SimulatedChip) -> None:
    def flags_after(*commands: str) -> int:
        chip.write(Rcc.CSR, 1 << 24)
        for command in commands:
            chip.command(command)
        chip.run(1e-3)
        return chip.read(Rcc.CSR) & sum(RESET_FLAGS.values())

    pin = RESET_FLAGS["pin"]
    assert flags_after("rcc PressReset") == pin
    assert flags_after("rcc CyclePower") == pin | RESET_FLAGS["power"]
    assert flags_after("sysbus WriteDoubleWord 0xe000ed0c 0x05fa0004") == pin | RESET_FLAGS["software"]
    assert flags_after("sysbus WriteDoubleWord 0x40003000 0xcccc", 'emulation RunFor "0.5"') == (
        pin | RESET_FLAGS["watchdog"]
    )


def test_power_loses_memory_and_the_debug_unit_and_a_reset_does_not(chip: SimulatedChip) -> None:
    chip.write(0x20000000, 0x12345678)
    chip.write(DBGMCU_CR, 7)
    chip.command("rcc PressReset")
    chip.run(1e-3)
    assert (chip.read(0x20000000), chip.read(DBGMCU_CR)) == (0x12345678, 7)
    chip.command("rcc CyclePower")
    chip.run(1e-3)
    assert (chip.read(0x20000000), chip.read(DBGMCU_CR)) == (0xA5A5A5A5, 0)


def test_a_reset_bit_resets_its_peripheral_and_holds_it(chip: SimulatedChip) -> None:
    chip.write(Rcc.APB2ENR, Apb2.GPIOA | Apb2.GPIOC)
    chip.write(GPIOA + Gpio.ODR, 0x1234)
    chip.write(Rcc.APB2RSTR, Apb2.GPIOC)
    assert chip.read(GPIOA + Gpio.ODR) == 0x1234
    chip.write(Rcc.APB2RSTR, Apb2.GPIOA)
    chip.write(GPIOA + Gpio.ODR, 0x5555)
    chip.write(Rcc.APB2RSTR, 0)
    assert chip.read(GPIOA + Gpio.ODR) == 0


@pytest.mark.parametrize(("hz", "seconds"), [(30_000, 1.6), (40_000, 1.2), (60_000, 0.8)])
def test_the_watchdog_bites_after_its_time_at_the_oscillators_rate(
    chip: SimulatedChip, hz: int, seconds: float
) -> None:
    """3000 counts of 16 clocks."""
    chip.command(f"rcc LowSpeedFrequency {hz}")
    chip.write(Rcc.CSR, 1 << 24)
    chip.write(Iwdg.KR, 0xCCCC)
    chip.write(Iwdg.KR, 0x5555)
    chip.write(Iwdg.PR, 2)
    chip.write(Iwdg.RLR, 2999)
    assert chip.read(Iwdg.SR) == 3
    chip.run(1e-3)
    assert chip.read(Iwdg.SR) == 0
    chip.write(Iwdg.KR, 0xAAAA)
    chip.run(0.99 * seconds)
    assert not chip.read(Rcc.CSR) & RESET_FLAGS["watchdog"]
    chip.run(0.02 * seconds)
    assert chip.read(Rcc.CSR) & RESET_FLAGS["watchdog"]


def test_the_watchdog_keeps_the_low_speed_oscillator_on(chip: SimulatedChip) -> None:
    chip.write(Iwdg.KR, 0xCCCC)
    chip.write(Rcc.CSR, 0)
    assert chip.read(Rcc.CSR) & 1


def test_the_clock_security_system_saves_the_chip(chip: SimulatedChip) -> None:
    run_at_72_mhz(chip)
    chip.set_bits(Rcc.CR, CSSON)
    chip.command("rcc CrystalSwings false")
    assert chip.read(Rcc.CFGR) & SWS == 0
    assert chip.read(Rcc.CIR) & 1 << 7
    assert chip.read(Core.ICSR) & 1 << 31
