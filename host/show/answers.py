"""A board's answers as text, as JSON, and as a table of right and wrong ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from host.records import Info, Prediction
from host.show.terminal import softmax


def describe(prediction: Prediction, info: Info, scale: float | None = None, counted: str = "cycles") -> str:
    """Two lines: the prediction, and the time it took. `counted`: the unit of the cycle counter."""
    time = f"Answered in {prediction.seconds * 1000:,.1f} ms"
    if prediction.cycles is not None and info.clock > 0:
        time += f", the network took {prediction.cycles:,} {counted}"
        if counted == "cycles":
            time += f" = {prediction.cycles / info.clock * 1000:.2f} ms at {info.clock / 1e6:g} MHz"
        if prediction.finish is not None:
            time += f", {prediction.finish:,} of them after the image had arrived"
    answer = f"{prediction.name}{_share(prediction, scale)}"
    return f"Predicted class: {answer}, by {info.model} on firmware {info.firmware}\n{time}"


def line(prediction: Prediction, expected: str = "", scale: float | None = None) -> str:
    """The prediction on one line; with the expected class if it is another."""
    wrong = f", expected {expected}" if expected and expected != prediction.name else ""
    doubt = ", not sure" if sure(prediction) is False else ""
    return f"{prediction.name}{_share(prediction, scale)}{doubt}{wrong}"


def as_json(
    file: str, box: Sequence[int] | None, prediction: Prediction, scale: float | None = None
) -> dict[str, Any]:
    """The prediction as JSON. `box`: left, top, width and height in the picture's pixels; None: all of it."""
    shares = None if scale is None else [round(share, 6) for share in softmax(prediction.logits, scale)]
    return {
        "file": file,
        "box": None if box is None else list(box),
        "label": prediction.label,
        "name": prediction.name,
        "sure": sure(prediction),
        "shares": shares,
        "logits": list(prediction.logits),
        "milliseconds": round(prediction.seconds * 1000, 3),
        "retries": list(prediction.retries),
    }


def sure(prediction: Prediction) -> bool | None:
    """Whether the board stands behind its answer; None if it does not say."""
    answer = getattr(prediction, "sure", None)
    return None if answer is None else bool(answer)


def confusion(pairs: Sequence[tuple[str, str]], class_names: Sequence[str]) -> list[list[str]]:
    """The rows of a table: a row for each expected class that occurs, a column for each predicted one.

    `pairs`: the expected and the predicted class of each image.
    """
    counts = Counter(pairs)
    expected = [name for name in class_names if any(name == first for first, _ in pairs)]
    predicted = [name for name in class_names if any(name in pair for pair in pairs)]
    rows = [["expected", *predicted, "right"]]
    for name in expected:
        number = [counts[name, other] for other in predicted]
        rows.append([name, *(str(each or "") for each in number), f"{counts[name, name] / sum(number):.1%}"])
    return rows


def _share(prediction: Prediction, scale: float | None) -> str:
    return "" if scale is None else f" ({softmax(prediction.logits, scale)[prediction.label]:.1%})"
