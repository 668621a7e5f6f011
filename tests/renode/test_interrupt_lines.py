"""The external interrupts: which pin a line has, edges, masks and the software trigger."""

import pytest
from chip_registers import Afio, Apb2, Core, Exti, Rcc
from simulated_chip import SimulatedChip

EXTI0 = 6


@pytest.fixture
def lines(chip: SimulatedChip) -> SimulatedChip:
    chip.write(Rcc.APB2ENR, Apb2.AFIO | Apb2.GPIOA | Apb2.GPIOB)
    return chip


def set_pin(chip: SimulatedChip, port: str, level: bool) -> None:
    chip.command(f"sysbus.gpioPort{port} OnGPIO 0 {str(level).lower()}")


def is_pending(chip: SimulatedChip) -> bool:
    return bool(chip.read(Core.NVIC_ISPR0) & 1 << EXTI0)


@pytest.mark.parametrize("rises", [True, False])
def test_the_chosen_edge_interrupts(lines: SimulatedChip, rises: bool) -> None:
    lines.write(Exti.RTSR if rises else Exti.FTSR, 1)
    lines.write(Exti.IMR, 1)
    set_pin(lines, "A", True)
    assert is_pending(lines) == rises
    set_pin(lines, "A", False)
    assert is_pending(lines)
    assert lines.read(Exti.PR) == 1
    lines.write(Exti.PR, 1)
    assert lines.read(Exti.PR) == 0


def test_a_line_belongs_to_the_chosen_port(lines: SimulatedChip) -> None:
    lines.write(Exti.RTSR, 1)
    lines.write(Exti.IMR, 1)
    lines.write(Afio.EXTICR1, 1)
    set_pin(lines, "A", True)
    assert not is_pending(lines)
    set_pin(lines, "B", True)
    assert is_pending(lines)


def test_software_triggers_a_line_that_is_not_masked(lines: SimulatedChip) -> None:
    lines.write(Exti.SWIER, 1)
    assert lines.read(Exti.PR) == 0
    lines.write(Exti.SWIER, 0)
    lines.write(Exti.IMR, 3)
    lines.write(Exti.SWIER, 2)
    assert lines.read(Exti.PR) == 2
