"""Thousands of damaged exchanges: each answer is right or an error, and the next answer is right.

DAMAGED_STREAMS in the environment sets their number.
"""

import os

import numpy as np
from fake_board import FakeBoard, is_right
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_damage import Wire, damage_each, flip_bit, insert, lose, pass_all, repeat, swap

from host import link
from host.board import Board
from host.errors import BoardError

EXAMPLES = int(os.environ.get("DAMAGED_STREAMS", "2000"))

SHAPES = ((1, 8, 8), (1, 28, 28), (1, 12, 40), (3, 32, 32))
POSITIONS = st.integers(0, 3200) | st.integers(0, 90) | st.integers(-16, -1)
DAMAGES: st.SearchStrategy[Wire] = st.one_of(
    st.builds(lose, POSITIONS, st.integers(1, 40) | st.just(1000)),
    st.builds(insert, POSITIONS, st.binary(min_size=1, max_size=40) | st.just(b"\0")),
    st.builds(repeat, POSITIONS, st.integers(1, 400) | st.integers(1, 40)),
    st.builds(swap, POSITIONS, st.integers(1, 300)),
    st.builds(flip_bit, POSITIONS, st.integers(0, 7)),
    st.just(repeat(0, 5000)),
    st.just(lose(0, 5000)),
)
WIRES = st.lists(st.none() | st.lists(DAMAGES, min_size=1, max_size=3), max_size=4)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    WIRES,
    WIRES,
    st.none() | st.integers(1, 7000),
    st.integers(0, 0xFFFF),
    st.sampled_from([link.DEFAULT_BAUD, 1_000_000]),
    st.sampled_from(SHAPES),
)
def test_each_answer_is_right_or_an_error_and_the_next_one_is_right(
    to_board: list[list[Wire] | None],
    to_host: list[list[Wire] | None],
    reset_at: int | None,
    sequence: int,
    baud: int,
    shape: tuple[int, int, int],
) -> None:
    fake = FakeBoard(shape)
    one, other = (np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8) for seed in (1, 2))
    board = Board(fake, timeout=1.0)
    board.greet()
    board.change_baud(baud)
    board._sequence = sequence
    started = fake.now()
    fake.to_board, fake.to_host, fake.reset_at = damage_each(to_board), damage_each(to_host), reset_at
    for image in (one, other):
        try:
            assert is_right(board.classify(image), image)
        except BoardError as error:
            assert str(error)
    fake.to_board = fake.to_host = pass_all
    fake.reset_at = None
    assert is_right(board.classify(one), one)
    assert board.baud == fake.baudrate == fake.rate
    # Three images, three attempts of 1 s, each followed by at most 1 s of settling or recovery.
    assert fake.now() - started < 3 * 3 * 2.1
