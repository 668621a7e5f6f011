"""One Renode process for all tests of the chip's models, and a chip as after power-on for each."""

from collections.abc import Iterator

import pytest
from chip_registers import Core
from simulated_chip import SimulatedChip, started

from tooling.setup import renode


@pytest.fixture(scope="session")
def simulator() -> Iterator[SimulatedChip]:
    program = renode.find_renode()
    if program is None:
        pytest.skip("Renode is not installed: type './inv setup'.")
    with started(program) as chip:
        yield chip


@pytest.fixture
def chip(simulator: SimulatedChip) -> SimulatedChip:
    simulator.restart()
    return simulator


@pytest.fixture
def program(chip: SimulatedChip) -> SimulatedChip:
    """A chip with fault handlers that stay where they are, and bus faults enabled."""
    chip.load_handlers()
    chip.write(Core.SHCSR, 1 << 17)
    return chip
