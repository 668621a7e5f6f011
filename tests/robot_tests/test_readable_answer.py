"""The suites' check of the lines that a person reads refuses every wrong answer."""

import contextlib
from collections.abc import Callable

import numpy as np
import pytest
from fake_board import CLASS_NAMES, SHAPE, FakeBoard, connect
from keywords.readable_answer import check_readable_answer

from host.errors import NoAnswer
from host.records import Prediction

IMAGE = np.random.default_rng(5).integers(0, 256, SHAPE).astype(np.uint8)
SCALE = 0.01  # of the fake board's logits


Answer = tuple[list[str], Prediction]
Change = Callable[[list[str]], list[str]]


@pytest.fixture(scope="module")
def answer() -> Answer:
    """The lines of one right answer, and its prediction."""
    lines: list[str] = []
    board = connect(FakeBoard(), on_line=lines.append)
    lines.clear()
    prediction = board.classify(IMAGE)
    with contextlib.suppress(NoAnswer):
        while True:
            board.connection.read_line(timeout=0.1)
    return lines, prediction


def changed(number: int, change: Callable[[str], str]) -> Change:
    return lambda lines: [*lines[:number], change(lines[number]), *lines[number + 1 :]]


def add_to_logit(line: str, difference: float) -> str:
    beginning, value = line.split(": ")
    return f"{beginning}: {float(value) + difference:.2f}"


def double_logits(lines: list[str]) -> list[str]:
    return [*lines[:5], *(add_to_logit(line, float(line.split()[-1])) for line in lines[5:15]), lines[15]]


WRONG: dict[str, tuple[Change, str]] = {
    "always class 0": (changed(3, lambda _: "Predicted class: zero"), "Line 4 should be Predicted class"),
    "one logit 0.01 too large": (changed(14, lambda line: add_to_logit(line, 0.01)), "logit of class 9"),
    "one logit 0.01 too small": (changed(5, lambda line: add_to_logit(line, -0.01)), "logit of class zero"),
    "logits of twice the scale": (double_logits, "logit of class zero"),
    "a sign lost": (changed(5, lambda line: line.replace("-", "")), "logit of class zero"),
    "one decimal": (changed(5, lambda line: line[:-1]), "Line 6"),
    "two logits exchanged": (lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]], "Line 6"),
    "result after the readable lines": (lambda lines: [*lines[:2], *lines[3:], lines[2]], "Line 3"),
    "a line missing": (lambda lines: lines[:-1], "Line 16"),
    "a line added": (lambda lines: [*lines, lines[-1]], "Line 17"),
    "another answer before it": (lambda lines: lines + lines, "Line 17"),
}


def test_a_right_answer_passes(answer: Answer) -> None:
    lines, prediction = answer
    assert prediction.label != 0 and prediction.logits[0] < 0
    check_readable_answer(lines, prediction, CLASS_NAMES, SCALE)


@pytest.mark.parametrize(("change", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_answer_is_refused(answer: Answer, change: Change, message: str) -> None:
    lines, prediction = answer
    with pytest.raises(AssertionError, match=message):
        check_readable_answer(change(lines), prediction, CLASS_NAMES, SCALE)
