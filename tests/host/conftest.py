"""A fake board, and a client that has greeted it."""

import pytest
from fake_board import FakeBoard, connect

from host.board import Board


@pytest.fixture
def fake() -> FakeBoard:
    return FakeBoard()


@pytest.fixture
def board(fake: FakeBoard) -> Board:
    return connect(fake)
