"""The curve shows loss, accuracy, the best epoch and the start of training in integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

from matplotlib.lines import Line2D

from training.loop import curve
from training.loop.checkpoint import EpochRecord

pytestmark = pytest.mark.train

HISTORY = [EpochRecord(0.5, 0.3, 0.9), EpochRecord(0.4, 0.1, 0.95), EpochRecord(0.3, 0.2, 0.94)]


def points(line: Line2D) -> list[tuple[float, float]]:
    return [(x, round(y, 6)) for x, y in np.asarray(line.get_xydata()).tolist()]


def test_the_curve_shows_what_it_says() -> None:
    losses, accuracies = curve.figure(HISTORY, 2, "small, seed 1").axes
    assert (losses.get_title(), losses.get_xlabel()) == ("small, seed 1", "epoch")
    assert losses.get_ylabel() == "training loss"
    assert accuracies.get_ylabel() == "accuracy on held-out images, in integers (%)"
    loss, start = losses.get_lines()
    accuracy, best = accuracies.get_lines()
    assert points(loss) == [(1, 0.5), (2, 0.4), (3, 0.3)]
    assert points(accuracy) == [(1, 90), (2, 95), (3, 94)]
    assert {x for x, _ in points(best)} == {2} and {x for x, _ in points(start)} == {2.5}
    legend = losses.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "training loss",
        "held-out accuracy",
        "best: epoch 2",
        "training in integers starts",
    ]
    assert loss.get_color() != accuracy.get_color()
    assert all(number == int(number) for number in losses.xaxis.get_major_locator().tick_values(1, 3))


def test_a_run_that_has_only_float_epochs_has_no_start_of_integers() -> None:
    losses, _ = curve.figure(HISTORY, 3, "small").axes
    assert len(losses.get_lines()) == 1


def test_the_curve_is_written_as_png(tmp_path: Path) -> None:
    curve.draw(HISTORY, 2, "small", tmp_path / "runs" / "curve.png")
    content = (tmp_path / "runs" / "curve.png").read_bytes()
    assert content.startswith(b"\x89PNG")
    width, height = (int.from_bytes(content[start : start + 4], "big") for start in (16, 20))
    assert (width, height) == (800, 450)
