"""A board's answers as text, as JSON and as a table."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from one_answer import INFO, LOGITS, PREDICTION

from host.records import Prediction
from host.show import answers


def test_the_prediction_and_its_time_are_described() -> None:
    assert answers.describe(PREDICTION, INFO, 0.5) == (
        "Predicted class: 7 (82.9%), by linear on firmware 1.2.3\n"
        "Answered in 100.0 ms, the network took 31,845 cycles = 0.44 ms at 72 MHz, "
        "12,345 of them after the image had arrived"
    )


def test_cycles_are_converted_to_milliseconds() -> None:
    prediction = replace(PREDICTION, cycles=7_460_000, finish=None)
    assert answers.describe(prediction, INFO) == (
        "Predicted class: 7, by linear on firmware 1.2.3\n"
        "Answered in 100.0 ms, the network took 7,460,000 cycles = 103.61 ms at 72 MHz"
    )


def test_cycles_of_an_unknown_clock_are_not_described() -> None:
    assert answers.describe(PREDICTION, replace(INFO, clock=0)).endswith("\nAnswered in 100.0 ms")


def test_instructions_are_not_converted_to_milliseconds() -> None:
    text = answers.describe(PREDICTION, INFO, counted="instructions")
    assert "took 31,845 instructions, 12,345 of them" in text and "MHz" not in text


def test_a_board_without_a_cycle_counter_is_described_by_its_answer_time() -> None:
    prediction = Prediction(7, "7", LOGITS, None, None, sequence=3, seconds=0.1)
    assert answers.describe(prediction, INFO).endswith("\nAnswered in 100.0 ms")


def test_a_line_names_the_class_its_share_and_the_expected_class() -> None:
    sneaker = replace(PREDICTION, name="sneaker")
    assert answers.line(sneaker) == "sneaker"
    assert answers.line(sneaker, "sneaker", 0.5) == "sneaker (82.9%)"
    assert answers.line(sneaker, "boot", 0.5) == "sneaker (82.9%), expected boot"


def test_doubt_is_shown_if_the_board_reports_it() -> None:
    assert answers.sure(PREDICTION) is None
    doubtful = SimpleNamespace(**{**vars(PREDICTION), "sure": 0})
    assert answers.sure(doubtful) is False  # type: ignore[arg-type]
    assert answers.line(doubtful) == "7, not sure"  # type: ignore[arg-type]


def test_json_has_every_field() -> None:
    prediction = replace(PREDICTION, seconds=0.0123456, retries=("Attempt 1 of 3 failed",))
    assert answers.as_json("a.png", (1, 2, 3, 4), prediction) == {
        "file": "a.png",
        "box": [1, 2, 3, 4],
        "label": 7,
        "name": "7",
        "sure": None,
        "shares": None,
        "logits": list(LOGITS),
        "milliseconds": 12.346,
        "retries": ["Attempt 1 of 3 failed"],
    }
    shares = answers.as_json("a.png", None, prediction, 0.5)["shares"]
    assert shares[7] == pytest.approx(0.829, abs=0.001) and sum(shares) == pytest.approx(1, abs=1e-5)


def test_confusion_shows_the_classes_that_occur_in_their_order() -> None:
    pairs = [("cat", "cat"), ("cat", "dog"), ("ant", "ant"), ("cat", "cat")]
    assert answers.confusion(pairs, ("dog", "cat", "ant", "bee")) == [
        ["expected", "dog", "cat", "ant", "right"],
        ["cat", "1", "2", "", "66.7%"],
        ["ant", "", "", "1", "100.0%"],
    ]
