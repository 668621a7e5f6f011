"""The benchmark: accuracies of networks on corrupted images."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("skimage", reason="scikit-image is not installed: invoke setup --train")

from common.paths import ROOT
from training.robustness.benchmark import Predict, Robustness, measure
from training.robustness.kinds import Kind
from training.robustness.strokes import Image


def white(image: Image, share: float, rng: np.random.Generator) -> Image:
    return np.ones_like(image) if rng.random() < share else image


def test_every_network_is_judged_on_the_same_corrupted_images() -> None:
    images = np.zeros((200, 1, 4, 4), np.uint8)
    kind = Kind(white, (0.0, 0.5, 1.0), "share of white images")
    seen: dict[str, list[np.ndarray]] = {"first": [], "second": []}

    def network(name: str) -> Predict:
        def predict(given: np.ndarray) -> np.ndarray:
            seen[name].append(given)
            return given[:, 0, 0, 0] // 255

        return predict

    measured = measure({name: network(name) for name in seen}, images, np.zeros(200, np.uint8), [kind])

    assert all((a == b).all() for a, b in zip(*seen.values(), strict=True))
    result = measured["first"]
    assert result == measured["second"]
    weak, medium, strong = result.kinds["white"]
    assert (result.clean, weak, strong) == (1.0, 1.0, 0.0)
    assert 0.35 < medium < 0.65


def test_the_mean_is_over_all_kinds_and_strengths_and_the_lowest_at_medium_strength() -> None:
    result = Robustness(0.9, {"a": (0.9, 0.6, 0.3), "b": (0.8, 0.7, 0.0)})
    assert result.mean == pytest.approx(0.55)
    assert result.lowest_medium == 0.6


def test_the_corruptions_share_nothing_with_the_training() -> None:
    command = [sys.executable, "-c", "import sys, training.robustness.kinds; print(*sys.modules)"]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.split()
    assert "training.robustness.kinds" in loaded
    assert not {"torch", "training.augmentation"} & set(loaded)
