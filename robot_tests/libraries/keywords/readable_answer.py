"""The lines of an answer that a person reads: their order, the class and every logit."""

import re
from collections.abc import Sequence
from itertools import zip_longest

from host.records import Prediction

_CLASS_LINE = re.compile(r"Class ([!-~]+): (-?\d+\.\d\d)")
_ROUNDING = 0.005  # of a logit printed with two decimals
_MULTIPLIER_ERROR = 2.0**-30  # relative: the firmware scales by a multiplier of 31 bits


def check_readable_answer(
    lines: Sequence[str], prediction: Prediction, class_names: Sequence[str], logit_scale: float
) -> None:
    """Compares the lines of one answer with the prediction of its @result line.

    `lines`: all lines of the answer in the order of arrival, @result included. `class_names`: in the order
    of the logits. `logit_scale`: real logit of an integer logit 1. Raises AssertionError if a line is
    missing, added, out of order or wrong.
    """
    expected = [
        "Image data received successfully",
        "Starting inference...",
        "@result",
        f"Predicted class: {class_names[prediction.label]}",
        "Logits:",
        *(f"Class {name}" for name in class_names),
        "Ready for next image",
    ]
    for number, (line, wanted) in enumerate(zip_longest(map(_without_values, lines), expected), start=1):
        if line != wanted:
            raise AssertionError(_report(f"Line {number} should be {wanted}", lines))
    printed = [float(match[2]) for line in lines if (match := _CLASS_LINE.fullmatch(line))]
    for name, shown, logit in zip(class_names, printed, prediction.logits, strict=True):
        real = logit * logit_scale
        if abs(shown - real) > _ROUNDING + abs(real) * _MULTIPLIER_ERROR:
            raise AssertionError(_report(f"The logit of class {name} should be {real:.4f}", lines))


def _without_values(line: str) -> str:
    if line.startswith("@"):
        return line.split(" ", 1)[0]
    match = _CLASS_LINE.fullmatch(line)
    return f"Class {match[1]}" if match else line


def _report(problem: str, lines: Sequence[str]) -> str:
    return "\n".join([f"{problem}. The board sent:", *lines])
