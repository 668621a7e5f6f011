"""`infer`: the digit, then the prediction, in the terminal and in a window."""

from dataclasses import replace

import numpy as np
import pytest
from one_answer import INFO, LOGITS, PREDICTION, BoardWithOneAnswer

from host.records import Prediction
from host.show import infer
from host.show.terminal import draw_digit, make_console

BLANK = np.zeros((28, 28), np.uint8)


def test_infer_prints_the_digit_then_the_prediction_and_a_bar_per_class(
    one_answer: BoardWithOneAnswer, capsys: pytest.CaptureFixture[str]
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
    assert one_answer.opened == ("loop://", 115200, 5.0)
    assert len(one_answer.images) == 1 and one_answer.images[0] is image
    assert len(lines) == 28 and "82.9%  <-- predicted" in lines[25]


def test_infer_passes_rate_and_timeout_on(one_answer: BoardWithOneAnswer) -> None:
    infer.infer("loop://", BLANK, "nothing", {}, baud=500_000, timeout=2.0, counted="instructions")
    assert one_answer.opened == ("loop://", 500_000, 2.0)


@pytest.mark.usefixtures("one_answer")
def test_an_unknown_network_gets_logits_instead_of_probabilities(capsys: pytest.CaptureFixture[str]) -> None:
    infer.infer("loop://", BLANK, "nothing", {INFO.checksum + 1: 0.5})
    out = capsys.readouterr().out
    assert "the board's network linear, so the bars show logits" in out and "%" not in out


def test_cycles_are_converted_to_milliseconds() -> None:
    prediction = replace(PREDICTION, cycles=7_460_000, finish=None)
    assert infer.describe(prediction, INFO) == (
        "Predicted class: 7, by linear on firmware 1.2.3\n"
        "Answered in 100.0 ms, the network took 7,460,000 cycles = 103.61 ms at 72 MHz"
    )


def test_cycles_of_an_unknown_clock_are_not_described() -> None:
    assert infer.describe(PREDICTION, replace(INFO, clock=0)).endswith("\nAnswered in 100.0 ms")


def test_instructions_are_not_converted_to_milliseconds() -> None:
    text = infer.describe(PREDICTION, INFO, counted="instructions")
    assert "took 31,845 instructions, 12,345 of them" in text and "MHz" not in text


def test_a_board_without_a_cycle_counter_is_described_by_its_answer_time() -> None:
    prediction = Prediction(7, "7", LOGITS, None, None, sequence=3, seconds=0.1)
    assert infer.describe(prediction, INFO).endswith("\nAnswered in 100.0 ms")
