"""`infer`: the digit, then the prediction, in the terminal and in a window."""

import sys
from typing import Any

import numpy as np
import pytest

from host.errors import PictureError
from host.records import Info, Prediction
from host.show import infer, window
from host.show.terminal import draw_digit, make_console

LOGITS = (-5, 3, 0, 1, 2, -1, -2, 9, -3, 4)
PREDICTION = Prediction(7, LOGITS, 31845, 12345, sequence=3, seconds=0.1)
INFO = Info(1, "1.2.3", "linear", 0, 72_000_000, "hse", 28, 28, 10, "power", "passed", 512)
BLANK = np.zeros((28, 28), np.uint8)


class BoardWithOneAnswer:
    """Answers every image with PREDICTION."""

    @classmethod
    def open(cls, *_: object, on_retry: Any, **__: object) -> "BoardWithOneAnswer":
        on_retry("Attempt 1 of 3 failed")
        return cls()

    def __enter__(self) -> "BoardWithOneAnswer":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def info(self) -> Info:
        return INFO

    def classify(self, _: object) -> Prediction:
        return PREDICTION


@pytest.fixture
def one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infer, "Board", BoardWithOneAnswer)


@pytest.mark.usefixtures("one_answer")
def test_infer_prints_the_digit_then_the_prediction_and_a_bar_per_class(
    capsys: pytest.CaptureFixture[str],
) -> None:
    image = BLANK.copy()
    image[4:20, 10:14] = 255
    assert infer.infer("loop://", image, "Test image 3, a 7", {INFO.checksum: 0.5}) == PREDICTION
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Test image 3, a 7:"
    assert "\n".join(lines[1:15]) == draw_digit(image, make_console()).plain
    assert lines[15] == "Attempt 1 of 3 failed"
    assert lines[16] == "Predicted class: 7 (82.9%), by linear on firmware 1.2.3"
    assert lines[17] == (
        "Answered in 100.0 ms, the network took 31,845 cycles = 0.44 ms at 72 MHz, "
        "12,345 of them after the image had arrived"
    )
    assert len(lines) == 28 and "82.9%  <-- predicted" in lines[25]


@pytest.mark.usefixtures("one_answer")
def test_an_unknown_network_gets_logits_instead_of_probabilities(capsys: pytest.CaptureFixture[str]) -> None:
    infer.infer("loop://", BLANK, "nothing", {INFO.checksum + 1: 0.5})
    out = capsys.readouterr().out
    assert "the board's network linear, so the bars show logits" in out and "%" not in out


def test_instructions_are_not_converted_to_milliseconds() -> None:
    text = infer.describe(PREDICTION, INFO, counted="instructions")
    assert "took 31,845 instructions, 12,345 of them" in text and "MHz" not in text


def test_a_board_without_a_cycle_counter_is_described_by_its_answer_time() -> None:
    prediction = Prediction(7, LOGITS, None, None, sequence=3, seconds=0.1)
    assert infer.describe(prediction, INFO).endswith("\nAnswered in 100.0 ms")


@pytest.mark.skipif(sys.platform != "linux", reason="only X11 runs without a display")
def test_a_window_without_a_display_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tkinter")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(PictureError, match="no display"):
        window.DigitWindow(BLANK, "nothing")


def test_a_window_without_tkinter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "tkinter", None)
    with pytest.raises(PictureError, match="python3-tk"):
        window.DigitWindow(BLANK, "nothing")


def test_nothing_is_sent_if_the_window_cannot_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "tkinter", None)
    monkeypatch.setattr(infer, "Board", None)
    with pytest.raises(PictureError):
        infer.infer("loop://", BLANK, "nothing", {}, window=True)
