"""A fake board and its client."""

import pytest
from fake_board import FakeBoard

from host.board import Board


@pytest.fixture
def fake() -> FakeBoard:
    return FakeBoard()


@pytest.fixture
def board(fake: FakeBoard) -> Board:
    return Board(fake)
