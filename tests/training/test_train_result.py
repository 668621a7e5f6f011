"""What `./inv train` prints at the end of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

from training.train import TrainResult

pytestmark = pytest.mark.train

STOPPED = TrainResult(
    "small",
    3,
    9,
    output=Path("/runs/best.npz"),
    curve=Path("/runs/curve.png"),
    best_epoch=2,
    held_out_accuracy=0.91,
)


def test_a_run_without_an_epoch() -> None:
    result = TrainResult("small", 0, 9)
    assert str(result) == "Training of small stopped in its first epoch. Nothing is saved yet."


def test_a_stopped_run() -> None:
    assert str(STOPPED) == (
        "Training of small stopped after epoch 3 of 9. The best is epoch 2 with 91.00% of the held-out "
        "images, saved as /runs/best.npz. Type the same command to continue."
    )


def test_a_finished_run() -> None:
    result = replace(STOPPED, finished=True, test_accuracy=0.925, float_test_accuracy=0.93)
    assert str(result) == (
        "small recognises 92.50% of the test images in integers (93.00% in float). The best is epoch 2 with "
        "91.00% of the held-out images. The model is /runs/best.npz, its curve /runs/curve.png."
    )
