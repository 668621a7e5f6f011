"""The corruptions: each changes images, more at a higher strength, and the same way in every run."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("skimage", reason="scikit-image is not installed: invoke setup --train")

from data import mnist
from training.robustness.kinds import KINDS, STRENGTHS, Kind, corrupted

EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return mnist.load_test_set().images[:40]


def difference(kind: Kind, strength: int, images: np.ndarray) -> float:
    return float(np.abs(corrupted(kind, strength, images).astype(int) - images).mean())


def test_there_are_at_least_twelve_kinds_with_names_that_differ() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 12


@EVERY_KIND
def test_a_higher_strength_changes_more(kind: Kind, images: np.ndarray) -> None:
    weak, medium, strong = (difference(kind, strength, images) for strength in range(len(STRENGTHS)))
    assert 1 < weak < medium < strong


@EVERY_KIND
def test_the_kind_the_strength_and_the_number_decide_the_corruption(kind: Kind, images: np.ndarray) -> None:
    whole = corrupted(kind, 1, images)
    assert whole.dtype == np.uint8 and whole.shape == images.shape
    part = corrupted(kind, 1, images[7:9], np.array([7, 8]))
    np.testing.assert_array_equal(part, whole[7:9])


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 20, 33), (3, 32, 32), (1, 64, 64)], ids=str)
@EVERY_KIND
def test_images_of_any_shape_keep_it(kind: Kind, shape: tuple[int, int, int]) -> None:
    images = np.zeros((2, *shape), np.uint8)
    images[:, :, shape[1] // 4 : -2, shape[2] // 2 - 1 : shape[2] // 2 + 2] = 255
    changed = corrupted(kind, 2, images)
    assert changed.shape == images.shape and (changed != images).any()
    assert (changed == changed[:, :1]).all()  # every channel in the same way


def test_an_empty_image_has_no_strokes_to_change() -> None:
    empty = np.zeros((1, 1, 28, 28), np.uint8)
    for kind in KINDS[:3]:
        assert not corrupted(kind, 2, empty).any()
