"""The far end of a serial line that follows the rate of the chip, and a line that moves to other pins."""

from chip_registers import GPIOB, Afio, Apb2, Gpio, Rcc, Usart1
from simulated_chip import SimulatedChip
from simulated_line import SimulatedLine


def test_a_far_end_without_a_rate_follows_the_chip(chip: SimulatedChip) -> None:
    line = SimulatedLine(chip)
    line.set_rate(0)
    line.start_usart(divider=8_000_000 // 9600)
    chip.write(Usart1.DR, ord("a"))
    assert line.heard(2e-3) == b"a"
    line.send(b"b")
    chip.run(2e-3)
    assert chip.read(Usart1.DR) == ord("b")


def test_usart1_moves_to_port_b(chip: SimulatedChip) -> None:
    line = SimulatedLine(chip)
    line.start_usart()
    chip.write(Rcc.APB2ENR, Apb2.AFIO | Apb2.GPIOA | Apb2.GPIOB | Apb2.USART1)
    chip.write(Afio.MAPR, 1 << 2)
    chip.write(Usart1.DR, ord("a"))
    assert line.heard(1e-3) == b""
    chip.write(GPIOB + Gpio.CRL, 0x4B444444)
    chip.write(Usart1.DR, ord("b"))
    assert line.heard(1e-3) == b"b"
    line.send(b"c")
    chip.run(1e-3)
    assert chip.read(Usart1.DR) == ord("c")
