"""A pin's level follows from its configuration, and USART1 reaches the line only through its pins."""

import pytest
from chip_registers import GPIOA, GPIOC, Apb2, Gpio, Rcc, Usart1, UsartStatus
from simulated_chip import SimulatedChip
from simulated_line import CHARACTER, SimulatedLine

# CNF and MODE of one pin, RM0008 9.2.1
ANALOG, FLOATING, PULLED = 0x0, 0x4, 0x8
PUSH_PULL, OPEN_DRAIN, FUNCTION_PUSH_PULL = 0x2, 0x6, 0xB


@pytest.fixture
def port(chip: SimulatedChip) -> SimulatedChip:
    chip.write(Rcc.APB2ENR, Apb2.GPIOA | Apb2.GPIOC)
    return chip


@pytest.mark.parametrize(
    ("mode", "output", "outside", "level"),
    [
        (FLOATING, 0, None, 0),
        (FLOATING, 1, None, 0),
        (FLOATING, 0, 1, 1),
        (PULLED, 0, None, 0),
        (PULLED, 1, None, 1),
        (PULLED, 1, 0, 0),
        (ANALOG, 1, 1, 0),
        (PUSH_PULL, 0, 1, 0),
        (PUSH_PULL, 1, 0, 1),
        (OPEN_DRAIN, 0, 1, 0),
        (OPEN_DRAIN, 1, 0, 0),
        (OPEN_DRAIN, 1, 1, 1),
    ],
)
def test_the_input_register_shows_the_pins_level(
    port: SimulatedChip, mode: int, output: int, outside: int | None, level: int
) -> None:
    port.write(GPIOA + Gpio.CRL, 0x44444440 | mode)
    port.write(GPIOA + Gpio.ODR, output)
    if outside is not None:
        port.command(f"sysbus.gpioPortA OnGPIO 0 {bool(outside)}")
    assert port.read(GPIOA + Gpio.IDR) & 1 == level


def test_setting_a_bit_wins_over_resetting_it(port: SimulatedChip) -> None:
    port.write(GPIOA + Gpio.ODR, 0x0F)
    port.write(GPIOA + Gpio.BSRR, 0x000C_0014 | 0x0004_0000)
    assert port.read(GPIOA + Gpio.ODR) == 0x17
    port.write(GPIOA + Gpio.BRR, 0x3)
    assert port.read(GPIOA + Gpio.ODR) == 0x14


def test_a_byte_is_repeated_over_the_word(port: SimulatedChip) -> None:
    port.command(f"sysbus WriteByte {GPIOA + Gpio.ODR:#x} 0x5a")
    assert port.read(GPIOA + Gpio.ODR) == 0x5A5A


def test_locked_pins_keep_their_configuration(port: SimulatedChip) -> None:
    for value in (0x1_0001, 0x0_0001, 0x1_0001):
        port.write(GPIOA + Gpio.LCKR, value)
    assert port.read(GPIOA + Gpio.LCKR) == 0x0_0001
    assert port.read(GPIOA + Gpio.LCKR) == 0x1_0001
    port.write(GPIOA + Gpio.CRL, 0x22222222)
    assert port.read(GPIOA + Gpio.CRL) == 0x22222224
    assert "locked" in port.log()


def test_a_wrong_lock_sequence_locks_nothing(port: SimulatedChip) -> None:
    for value in (0x1_0001, 0x0_0003, 0x1_0001):
        port.write(GPIOA + Gpio.LCKR, value)
    port.read(GPIOA + Gpio.LCKR)
    port.write(GPIOA + Gpio.CRL, 0x22222222)
    assert port.read(GPIOA + Gpio.CRL) == 0x22222222


def test_a_port_without_a_clock_does_not_answer(chip: SimulatedChip) -> None:
    chip.write(GPIOA + Gpio.CRL, 0x22222222)
    assert chip.read(GPIOA + Gpio.CRL) == 0
    chip.write(Rcc.APB2ENR, Apb2.GPIOA)
    assert chip.read(GPIOA + Gpio.CRL) == 0x44444444


def test_the_led_is_lit_only_by_a_low_output(port: SimulatedChip) -> None:
    assert port.command("sysbus.gpioPortC.led State") == "False"
    port.write(GPIOC + Gpio.CRH, 0x44244444)
    assert port.command("sysbus.gpioPortC.led State") == "True"
    port.write(GPIOC + Gpio.BSRR, 1 << 13)
    assert port.command("sysbus.gpioPortC.led State") == "False"


def test_usart1_sends_only_through_an_alternate_output(chip: SimulatedChip) -> None:
    line = SimulatedLine(chip)
    line.start_usart()
    chip.write(GPIOA + Gpio.CRH, 0x44444844)
    chip.write(Usart1.DR, ord("a"))
    assert line.heard(2 * CHARACTER) == b""
    chip.write(GPIOA + Gpio.CRH, 0x444448B4)
    chip.write(Usart1.DR, ord("b"))
    assert line.heard(2 * CHARACTER) == b"b"


def test_a_character_ends_where_its_pin_is_taken_away(chip: SimulatedChip) -> None:
    """0x00 inside its third bit, after that was sampled; the far end pulls the line up."""
    line = SimulatedLine(chip)
    line.start_usart()
    chip.write(Usart1.DR, 0x00)
    chip.run(0.37 * CHARACTER)
    chip.write(GPIOA + Gpio.CRH, 0x44444844)
    assert line.heard(2 * CHARACTER) == b"\xf8"


@pytest.mark.parametrize("mode", [ANALOG, PUSH_PULL, FUNCTION_PUSH_PULL])
def test_usart1_receives_only_through_an_input(chip: SimulatedChip, mode: int) -> None:
    line = SimulatedLine(chip)
    line.start_usart()
    chip.write(GPIOA + Gpio.CRH, 0x444440B4 | mode << 8)
    line.send(b"a")
    chip.run(2 * CHARACTER)
    assert not chip.read(Usart1.SR) & UsartStatus.RXNE
    chip.write(GPIOA + Gpio.CRH, 0x444448B4)
    chip.run(CHARACTER)
    line.send(b"b")
    chip.run(2 * CHARACTER)
    assert chip.read(Usart1.DR) == ord("b")


def test_pins_keep_their_configuration_without_the_ports_clock(chip: SimulatedChip) -> None:
    line = SimulatedLine(chip)
    line.start_usart()
    chip.write(Rcc.APB2ENR, Apb2.USART1)
    chip.write(Usart1.DR, ord("a"))
    assert line.heard(2 * CHARACTER) == b"a"


def test_an_alternate_output_that_nothing_drives_is_an_error(chip: SimulatedChip) -> None:
    chip.write(Rcc.APB2ENR, Apb2.GPIOA | Apb2.USART1)
    chip.write(GPIOA + Gpio.CRH, 0x444448B4)
    assert "does not drive it" in chip.log()


def test_a_pin_driven_by_the_program_is_heard(chip: SimulatedChip) -> None:
    """A character by bits on PA9: start bit, 0x55, stop bit."""
    line = SimulatedLine(chip)
    chip.write(Rcc.APB2ENR, Apb2.GPIOA)
    chip.write(GPIOA + Gpio.ODR, 1 << 9)
    chip.write(GPIOA + Gpio.CRH, 0x44444424)
    chip.run(CHARACTER)
    for bit in (0, 1, 0, 1, 0, 1, 0, 1, 0, 1):
        chip.write(GPIOA + Gpio.BSRR, 1 << 9 if bit else 1 << 25)
        chip.run(CHARACTER / 10)
    assert line.heard(CHARACTER) == b"\x55"
