"""The far end of a serial line that follows the rate of the chip."""

from chip_registers import Usart1
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
