"""USART1 and the far end sample each other's bits: matching rates, mismatches, noise, and the flags."""

import pytest
from chip_registers import GPIOA, Apb2, Core, Gpio, Rcc, Usart1, UsartStatus
from simulated_chip import SimulatedChip
from simulated_line import BAUD, BIT, CHARACTER, CR1_ON, PCLK2, SimulatedLine

SR = UsartStatus
ERRORS = SR.PE | SR.FE | SR.NE | SR.ORE


@pytest.fixture
def line(chip: SimulatedChip) -> SimulatedLine:
    line = SimulatedLine(chip)
    line.start_usart()
    clear_flags(chip)
    return line


def clear_flags(chip: SimulatedChip) -> None:
    chip.read(Usart1.SR)
    chip.read(Usart1.DR)


def receive(line: SimulatedLine, sent: bytes) -> tuple[bytes, SR]:
    """What the chip reads of these bytes, as fast as they come, and all errors that it sees."""
    line.send(sent)
    received, errors = bytearray(), SR(0)
    for _ in range(int(len(sent) * 12 + 20)):
        line.chip.run(BIT)
        status = SR(line.chip.read(Usart1.SR))
        if status & SR.RXNE:
            errors |= status & ERRORS
            received.append(line.chip.read(Usart1.DR) & 0xFF)
    return bytes(received), errors


@pytest.mark.parametrize("deviation", [-0.035, 0.0, 0.035])
def test_both_ends_hear_each_other_at_close_rates(line: SimulatedLine, deviation: float) -> None:
    line.set_rate(BAUD * (1 + deviation))
    assert receive(line, b"\x00U\xffa") == (b"\x00U\xffa", SR(0))
    line.chip.write(Usart1.DR, 0x35)
    assert line.heard(2 * CHARACTER) == b"\x35"


def test_a_far_end_that_is_too_slow_causes_framing_errors(line: SimulatedLine) -> None:
    """At 90 % bit 6 is sampled inside the fifth bit, and the stop bit inside the seventh, a zero."""
    line.set_rate(BAUD * 0.90)
    received, errors = receive(line, b"\x3f")
    assert received == b"\x7f"
    assert errors & SR.FE


def test_a_far_end_at_half_the_rate_is_heard_as_doubled_bits(line: SimulatedLine) -> None:
    """0x55 is ten alternating bits; each is sampled twice, so a character of the chip ends inside it."""
    line.set_rate(BAUD / 2)
    received, errors = receive(line, b"\x55")
    assert received[0] == 0b01100110
    assert errors & SR.FE


def test_a_far_end_at_twice_the_rate_is_heard_as_other_bytes(line: SimulatedLine) -> None:
    """0xE0 is low for six of the far end's bits, which are the chip's start bit and two zeros."""
    line.set_rate(BAUD * 2)
    assert receive(line, b"\xe0") == (b"\xfc", SR(0))


def test_edges_inside_the_samples_are_noise(line: SimulatedLine) -> None:
    """At 105 % the last bit ends between its second and its third sample."""
    line.set_rate(BAUD * 1.05)
    assert receive(line, b"\x55") == (b"\x55", SR.NE)


def test_the_far_end_hears_other_bytes_at_another_rate(line: SimulatedLine) -> None:
    line.set_rate(BAUD / 2)
    line.chip.write(Usart1.DR, 0xF0)
    assert line.heard(4 * CHARACTER) != b"\xf0"


def test_the_divider_decides_how_long_a_bit_is(line: SimulatedLine) -> None:
    line.chip.write(Usart1.BRR, PCLK2 // 9600)
    line.set_rate(9600)
    line.chip.run(CHARACTER)
    line.chip.write(Usart1.DR, 0x41)
    assert line.heard(2 * 10 / 9600) == b"A"


@pytest.mark.parametrize(("framing", "flag"), [(True, SR.FE), (False, SR.NE)])
def test_a_disturbed_character_is_flagged_and_the_next_is_not(
    line: SimulatedLine, framing: bool, flag: SR
) -> None:
    line.chip.command(f"sysbus.usart1 DamageNextCharacter {framing}")
    assert receive(line, b"\x35") == (b"\x35", flag)
    assert receive(line, b"\x36") == (b"\x36", SR(0))


def test_an_unread_character_is_overrun_and_kept(line: SimulatedLine) -> None:
    line.send(b"abc")
    line.chip.run(4 * CHARACTER)
    assert SR(line.chip.read(Usart1.SR)) & ERRORS == SR.ORE
    assert line.chip.read(Usart1.DR) == ord("a")
    assert SR(line.chip.read(Usart1.SR)) & ERRORS == 0


def test_reading_data_alone_does_not_clear_errors(line: SimulatedLine) -> None:
    line.send(b"ab")
    line.chip.run(3 * CHARACTER)
    line.chip.read(Usart1.DR)
    assert line.chip.read(Usart1.SR) & SR.ORE
    line.chip.read(Usart1.DR)
    assert not line.chip.read(Usart1.SR) & SR.ORE


def test_a_receiver_that_starts_inside_a_character_hears_what_follows_its_next_fall(
    chip: SimulatedChip,
) -> None:
    line = SimulatedLine(chip)
    line.start_usart(cr1=CR1_ON & ~4)
    line.send(b"\x0f\xff")
    chip.run(2.5 * BIT)
    chip.write(Usart1.CR1, CR1_ON)
    assert receive(line, b"")[0] == b"\xe8"


def test_idle_comes_one_frame_after_a_character_and_once(line: SimulatedLine) -> None:
    line.send(b"a")
    line.chip.run(1.9 * CHARACTER)
    assert not line.chip.read(Usart1.SR) & SR.IDLE
    line.chip.run(0.2 * CHARACTER)
    assert line.chip.read(Usart1.SR) & SR.IDLE
    clear_flags(line.chip)
    line.chip.run(5 * CHARACTER)
    assert not line.chip.read(Usart1.SR) & SR.IDLE


def test_characters_without_a_pause_are_not_idle(line: SimulatedLine) -> None:
    line.send(bytes(5))
    for _ in range(5):
        line.chip.run(CHARACTER)
        assert not line.chip.read(Usart1.SR) & SR.IDLE
        line.chip.read(Usart1.DR)


def test_enabling_the_receiver_on_an_idle_line_raises_idle(chip: SimulatedChip) -> None:
    SimulatedLine(chip).start_usart()
    assert chip.read(Usart1.SR) & SR.IDLE


def test_transmission_is_complete_after_the_stop_bit(line: SimulatedLine) -> None:
    line.chip.read(Usart1.SR)
    line.chip.write(Usart1.DR, 0x41)
    line.chip.run(0.95 * CHARACTER)
    assert not line.chip.read(Usart1.SR) & SR.TC
    line.chip.run(0.1 * CHARACTER)
    assert line.chip.read(Usart1.SR) & SR.TC


def test_completion_is_cleared_only_after_it_was_read(line: SimulatedLine) -> None:
    line.chip.write(Usart1.DR, 0x41)
    assert line.chip.read(Usart1.SR) & SR.TC
    line.chip.run(2 * CHARACTER)
    line.chip.write(Usart1.DR, 0x41)
    assert not line.chip.read(Usart1.SR) & SR.TC


def test_a_full_data_register_loses_a_character_and_says_so(line: SimulatedLine) -> None:
    for value in b"abc":
        line.chip.write(Usart1.DR, value)
    assert "one is lost" in line.chip.log()
    assert line.heard(4 * CHARACTER) == b"ac"


def test_enabling_the_transmitter_sends_an_idle_frame_first(chip: SimulatedChip) -> None:
    line = SimulatedLine(chip)
    line.start_usart(cr1=CR1_ON & ~8)
    chip.write(Usart1.CR1, CR1_ON)
    chip.write(Usart1.DR, 0x41)
    assert line.heard(1.9 * CHARACTER) == b""
    assert line.heard(0.2 * CHARACTER) == b"A"


@pytest.mark.parametrize(("stop", "bits"), [(0, 1.0), (1, 0.5), (2, 2.0), (3, 1.5)])
def test_stop_bits_take_their_time(line: SimulatedLine, stop: int, bits: float) -> None:
    line.chip.write(Usart1.CR2, stop << 12)
    line.chip.read(Usart1.SR)
    line.chip.write(Usart1.DR, 0x41)
    line.chip.run((9 + bits - 0.1) * BIT)
    assert not line.chip.read(Usart1.SR) & SR.TC
    line.chip.run(0.2 * BIT)
    assert line.chip.read(Usart1.SR) & SR.TC


EVEN_PARITY = 1 << 10 | 1 << 12  # PCE, M
ODD_PARITY = EVEN_PARITY | 1 << 9


@pytest.mark.parametrize(
    ("control", "parity", "error"),
    [(EVEN_PARITY, "Even", False), (ODD_PARITY, "Odd", False), (EVEN_PARITY, "Odd", True)],
)
def test_parity_is_checked_and_sent(chip: SimulatedChip, control: int, parity: str, error: bool) -> None:
    line = SimulatedLine(chip)
    line.start_usart(cr1=CR1_ON | control)
    clear_flags(chip)
    chip.command(f"sysbus.usart1 LineParity {parity}")
    received, errors = receive(line, b"\x13")
    assert received == b"\x13"
    assert bool(errors & SR.PE) == error
    chip.write(Usart1.DR, 0x13)
    assert line.heard(2 * CHARACTER) == b"\x13"


def test_nine_data_bits_arrive(chip: SimulatedChip) -> None:
    """The far end's even parity bit is the ninth."""
    line = SimulatedLine(chip)
    line.start_usart(cr1=CR1_ON | 1 << 12)
    clear_flags(chip)
    chip.command("sysbus.usart1 LineParity Even")
    line.send(b"\x01")
    chip.run(2 * CHARACTER)
    assert chip.read(Usart1.DR) == 0x101


CTSE = 1 << 9


def test_clear_to_send_holds_the_transmitter(chip: SimulatedChip) -> None:
    line = SimulatedLine(chip)
    line.start_usart(cr3=CTSE)
    chip.command("sysbus.gpioPortA OnGPIO 11 true")
    chip.write(Usart1.DR, 0x41)
    assert line.heard(3 * CHARACTER) == b""
    assert not chip.read(Usart1.SR) & SR.TXE
    chip.command("sysbus.gpioPortA OnGPIO 11 false")
    assert line.heard(2 * CHARACTER) == b"A"


@pytest.mark.parametrize(
    ("register", "bit", "name"),
    [
        (Usart1.CR1, 1, "RWU"),
        (Usart1.CR2, 11, "CLKEN"),
        (Usart1.CR2, 14, "LINEN"),
        (Usart1.CR3, 1, "IREN"),
        (Usart1.CR3, 3, "HDSEL"),
        (Usart1.CR3, 5, "SCEN"),
        (Usart1.CR3, 8, "RTSE"),
    ],
)
def test_modes_that_are_not_modelled_are_errors(
    line: SimulatedLine, register: Usart1, bit: int, name: str
) -> None:
    line.chip.set_bits(register, 1 << bit)
    assert f"{name} is not modelled" in line.chip.log()


def test_a_break_is_a_framing_error_for_the_chip_that_hears_it(line: SimulatedLine) -> None:
    line.chip.set_bits(Usart1.CR1, 1)
    assert line.heard(2 * CHARACTER) == b"\x00"


def test_a_reset_cuts_the_character_that_is_being_sent(line: SimulatedLine) -> None:
    """0x00 is cut inside its third bit, after that was sampled; the line rises, and the rest is ones."""
    line.chip.write(Usart1.DR, 0x00)
    line.chip.run(3.7 * BIT)
    line.chip.command("sysbus.usart1 Reset")
    line.chip.command("sysbus.gpioPortA Reset")
    assert line.heard(2 * CHARACTER) == b"\xf8"


@pytest.mark.parametrize(
    ("control", "cause"),
    [(1 << 5, "receive"), (1 << 4, "idle"), (1 << 7, "empty"), (1 << 6, "complete")],
)
def test_each_interrupt_has_its_enable(chip: SimulatedChip, control: int, cause: str) -> None:
    line = SimulatedLine(chip)
    line.start_usart()
    clear_flags(chip)
    if cause in ("receive", "idle"):
        line.send(b"a")
        chip.run(3 * CHARACTER)
    pending = 1 << (37 - 32)
    assert not chip.read(Core.NVIC_ISPR1) & pending
    chip.set_bits(Usart1.CR1, control)
    assert chip.read(Core.NVIC_ISPR1) & pending


def test_usart1_is_silent_without_its_clock(line: SimulatedLine) -> None:
    line.chip.write(Rcc.APB2ENR, Apb2.GPIOA)
    line.send(b"a")
    line.chip.run(2 * CHARACTER)
    line.chip.write(Rcc.APB2ENR, Apb2.GPIOA | Apb2.USART1)
    assert not line.chip.read(Usart1.SR) & SR.RXNE


def test_the_input_register_shows_the_bits_of_the_line(line: SimulatedLine) -> None:
    line.send(b"\x00")
    line.chip.run(5 * BIT)
    assert not line.chip.read(GPIOA + Gpio.IDR) & 1 << 10
    line.chip.run(CHARACTER)
    assert line.chip.read(GPIOA + Gpio.IDR) & 1 << 10
