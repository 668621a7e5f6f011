"""A board with one answer in place of the one that `infer` opens."""

import pytest
from one_answer import BoardWithOneAnswer

from host.show import infer


@pytest.fixture
def one_answer(monkeypatch: pytest.MonkeyPatch) -> BoardWithOneAnswer:
    board = BoardWithOneAnswer()
    monkeypatch.setattr(infer, "Board", board)
    return board
