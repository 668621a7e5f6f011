"""The changes that pens, paper and cameras make: each changes images of any shape, as its seed says."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

import torch
from torch import Tensor

from data import mnist
from training.augmentation import camera, ink, paper
from training.augmentation.pipeline import CHANGES, Change
from training.images.tensors import as_input
from training.recipe import PARTS

pytestmark = pytest.mark.train

EVERY_CHANGE = pytest.mark.parametrize(
    "change", [change for part in CHANGES.values() for change in part], ids=lambda change: change.__name__
)


@pytest.fixture
def images() -> Tensor:
    return as_input(mnist.load_test_set().images[:60])


def changed(change: Change, images: Tensor, seed: int = 1) -> Tensor:
    return change(images, torch.Generator().manual_seed(seed))


@EVERY_CHANGE
def test_a_change_follows_from_its_seed_and_leaves_the_digit_in_sight(change: Change, images: Tensor) -> None:
    before = images.clone()
    first, again, other = changed(change, images), changed(change, images), changed(change, images, seed=2)
    assert torch.equal(images, before)
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert first.shape == images.shape and first.isfinite().all()
    assert (first.clamp(0, 1) - images).abs().mean() > 0.003
    pairs = zip(first.flatten(1), images.flatten(1), strict=True)
    likeness = torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in pairs])
    assert likeness.median() > 0.5


@EVERY_CHANGE
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 20, 33), (3, 32, 32)], ids=str)
def test_images_of_any_shape_keep_it(change: Change, shape: tuple[int, int, int]) -> None:
    images = torch.zeros(5, *shape)
    images[:, :, 2:-2, shape[2] // 2 - 1 : shape[2] // 2 + 1] = 1
    for seed in range(4):
        result = changed(change, images, seed)
        assert result.shape == images.shape and result.isfinite().all()


def test_thicker_strokes_have_more_ink_and_thinner_ones_less(images: Tensor) -> None:
    assert (changed(ink.thicker, images) >= images - 1e-6).all()
    assert changed(ink.thicker, images).sum() > 1.2 * images.sum()
    assert changed(ink.thinner, images).sum() < 0.9 * images.sum()


def test_a_sheet_is_grey_where_there_is_no_ink(images: Tensor) -> None:
    corners = changed(paper.sheet, images)[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert 0.1 < corners.mean() < 0.6 and corners.std() > 0.1


def test_blur_lowers_contrast_and_keeps_ink(images: Tensor) -> None:
    for change in (camera.defocused, camera.moved):
        ratio = changed(change, images).sum(dim=(1, 2, 3)) / images.sum(dim=(1, 2, 3))
        assert 0.9 < ratio.median() < 1.6
        assert changed(change, images).var() < images.var()


def test_the_share_of_dropped_pixels_is_limited(images: Tensor) -> None:
    left = changed(camera.dropped, torch.ones_like(images)).mean(dim=(1, 2, 3))
    assert left.min() > 0.4 and left.mean() < 0.95


def test_every_part_of_the_recipe_but_the_pose_has_changes() -> None:
    assert ("pose", *CHANGES) == PARTS
