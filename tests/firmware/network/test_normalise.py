"""Local normalisation in C: the reference's bits, for images of any shape."""

from __future__ import annotations

from pathlib import Path

import layer_builds
import numpy as np
import pytest

from compiler import kernels, lower, reference
from compiler.network import Normalise, Tensor

SHAPES = [(28, 28), (4, 4), (5, 7), (9, 6), (8, 8), (19, 33), (40, 48)]


def images(shape: tuple[int, int], count: int) -> np.ndarray:
    """Sheets of every level with ink, noise and slopes; both ends; (N, 1, rows, columns)."""
    rng = np.random.default_rng(shape[0])
    made = [np.zeros(shape), np.full(shape, 255), rng.choice([0, 255], shape), rng.integers(0, 256, shape)]
    while len(made) < count:
        sheet = rng.integers(0, 200) + rng.uniform(-80, 80) * np.linspace(-1, 1, shape[1])
        ink = rng.random(shape) < rng.uniform(0, 0.2)
        made.append(
            np.where(ink, rng.integers(0, 256, shape), sheet) + rng.normal(0, rng.uniform(0, 30), shape)
        )
    return np.array(made).clip(0, 255).astype(np.uint8)[:, np.newaxis]


def step(shape: tuple[int, int], target: tuple[int, int] | None = None) -> lower.Step:
    layer, source = Normalise(20), Tensor((1, *shape), 0, 255)
    return lower.Step(0, layer, source, Tensor((1, *(target or shape)), 0, 255))


@pytest.mark.parametrize("shape", [*SHAPES, (64, 64)], ids=str)
def test_this_computer_computes_the_references_bits(shape: tuple[int, int], tmp_path: Path) -> None:
    of = step(shape)
    layer = layer_builds.NativeLayer(of, kernels.reference(of), tmp_path)
    pixels = images(shape, 200)
    results = np.array([layer.run(image, [(0, 1)]) for image in pixels])
    np.testing.assert_array_equal(results, reference.run_layer(of.layer, pixels))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_simulated_chip_computes_the_references_bits(shape: tuple[int, int], tmp_path: Path) -> None:
    of = step(shape)
    layer = layer_builds.ArmLayer(of, kernels.reference(of), tmp_path)
    pixels = images(shape, 12)
    results = np.array([layer.run(image, [(0, 1)]) for image in pixels])
    np.testing.assert_array_equal(results, reference.run_layer(of.layer, pixels))


def test_rows_and_columns_that_no_layer_reads_still_count_for_the_stretch(tmp_path: Path) -> None:
    of = step((28, 28), (26, 23))
    layer = layer_builds.NativeLayer(of, kernels.reference(of), tmp_path)
    pixels = images((28, 28), 50)
    pixels[:, 0, 26:, 24:] = 255
    results = np.array([layer.run(image, [(0, 1)]) for image in pixels])
    np.testing.assert_array_equal(results, reference.run_layer(of.layer, pixels)[:, :, :26, :23])
