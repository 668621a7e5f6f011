"""Local normalisation: what it does to paper and ink, and the reference against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from normalise_loops import by_loops

from common.errors import UserError
from compiler import reference
from compiler.network import Normalise, Tensor
from data import mnist

SHAPES = [(28, 28), (4, 4), (5, 7), (9, 6), (8, 8), (19, 33), (64, 64)]


def normalised(image: np.ndarray, span: int = 48) -> np.ndarray:
    return reference.run_layer(Normalise(span), image[np.newaxis, np.newaxis])[0, 0]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("span", [1, 48, 255])
def test_the_reference_is_what_plain_loops_compute(shape: tuple[int, int], span: int) -> None:
    rng = np.random.default_rng(shape[0] * span)
    images = [
        rng.integers(0, 256, shape, np.uint8),
        rng.integers(90, 110, shape, np.uint8),
        np.where(rng.random(shape) < 0.1, 255, rng.integers(60, 140, shape)).astype(np.uint8),
        np.zeros(shape, np.uint8),
        np.full(shape, 255, np.uint8),
    ]
    for image in images:
        assert normalised(image, span).tolist() == by_loops(image, span)


def test_digits_on_black_paper_hardly_change() -> None:
    images = mnist.load_test_set().images[:200].reshape(-1, 28, 28)
    changes = [np.abs(normalised(image).astype(int) - image).mean() for image in images]
    assert np.mean(changes) < 2


@pytest.mark.parametrize("level, ink", [(0, 90), (80, 255), (120, 200), (200, 255)])
def test_even_paper_becomes_black_and_ink_white(level: int, ink: int) -> None:
    image = np.full((28, 28), level, np.uint8)
    image[6:22, 13:16] = ink
    result = normalised(image)
    assert (result[6:22, 13:16] == 255).all()
    assert not result[:, :10].any() and not result[:, 20:].any()


def test_a_slope_of_light_goes() -> None:
    image = np.broadcast_to(np.linspace(20, 150, 28)[:, np.newaxis], (28, 28)).copy()
    image[6:22, 13:16] = 255
    result = normalised(image.astype(np.uint8)).astype(int)
    assert result[6:22, 13:16].min() > 180
    assert result[:, :10].max() < 60


def test_faint_noise_of_an_empty_sheet_stays_faint() -> None:
    sheet = np.random.default_rng(0).integers(100, 106, (28, 28), np.uint8)
    assert normalised(sheet).max() < 40
    assert normalised(sheet, span=1).max() > 200


@pytest.mark.parametrize(
    "shape, complaint",
    [
        ((3, 28, 28), "one channel of pixels from 0 to 255, and gets 3x28x28"),
        ((784,), "and gets 784"),
        ((1, 3, 28), "at least 4 rows and columns, not 1x3x28"),
    ],
)
def test_other_inputs_are_refused(shape: tuple[int, ...], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        Normalise().output(Tensor(shape, 0, 255))


def test_a_span_outside_of_a_byte_is_refused() -> None:
    with pytest.raises(UserError, match="its span is 256, not 1 to 255"):
        Normalise(256)
