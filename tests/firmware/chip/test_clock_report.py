"""The board says which stage of its clock's start failed: in its boot lines and in the answer to info."""

import shutil

import pytest
from simulated_board import SimulatedBoard

from host.board import Board
from tooling import build

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler for this computer")

SENTENCES = {
    "hse": "Clock: 72 MHz from the crystal",
    "hsi": "Clock: 8 MHz from the internal oscillator: the crystal did not start",
    "hsi-pll": "Clock: 8 MHz from the internal oscillator: the PLL did not start",
}


@pytest.mark.parametrize(("source", "name"), list(enumerate(SENTENCES)))
def test_the_stage_that_failed_is_reported(source: int, name: str) -> None:
    build.build(build.NATIVE)
    board = SimulatedBoard(build.image(build.NATIVE).with_name("libsimulated.so"))
    board.settle()
    board.output()
    try:
        board.reset(source)
        board.settle()
        text = board.output().decode()
        assert f"\n{SENTENCES[name]}\r\n" in text
        assert f" source={name} " in text
        assert Board(board).info().source == name
    finally:
        board.reset()
