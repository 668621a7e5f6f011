"""The augmentation of a batch: the share of changed images, the parts, and the seed."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

import torch
from torch import Tensor

from data import mnist
from training.augmentation import pipeline, pose
from training.images.tensors import as_input
from training.recipe import PARTS, Augmentation

pytestmark = pytest.mark.train

MILD = Augmentation(8, 0.08, 0.1, 1.5)


@pytest.fixture
def images() -> Tensor:
    return as_input(mnist.load_test_set().images[:400])


def augmented(images: Tensor, augmentation: Augmentation, seed: int = 1) -> Tensor:
    return pipeline.augmented_once(images, augmentation, seed)


def share_changed(after: Tensor, before: Tensor) -> float:
    """The share of images that differ by more than the rounding of a sampling that changes nothing."""
    return (after - before).abs().flatten(1).amax(dim=1).gt(0.01).double().mean().item()


def test_without_corruption_only_the_maps_change_images(images: Tensor) -> None:
    maps = pose.draw_maps(len(images), MILD, torch.Generator().manual_seed(1), (28, 28))
    assert torch.equal(augmented(images, MILD), pose.sampled(images, pose.grid(images, maps)))
    assert torch.equal(augmented(images, Augmentation()), images)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_the_recipes_share_of_images_is_corrupted(images: Tensor, share: float) -> None:
    assert abs(share_changed(augmented(images, Augmentation(corrupted=share)), images) - share) < 0.07


def test_a_seed_gives_the_same_images_again(images: Tensor) -> None:
    augmentation = Augmentation(8, 0.08, 0.1, 1.5, corrupted=0.5)
    first = augmented(images, augmentation)
    assert first.min() >= 0 and first.max() <= 1.0001
    assert torch.equal(first, augmented(images, augmentation))
    assert not torch.equal(first, augmented(images, augmentation, seed=2))


@pytest.mark.parametrize("part", PARTS)
def test_each_part_alone_changes_images_in_its_own_way(images: Tensor, part: str) -> None:
    alone = augmented(images, Augmentation(corrupted=1, parts=(part,)))
    assert not torch.equal(alone, images)
    border = torch.cat([alone[..., 0, :], alone[..., -1, :]]).mean()
    assert (border > 0.01) == (part in ("paper", "camera"))
    assert (share_changed(alone, images) < 0.5) == (part == "pose")


def test_the_judged_copy_is_corrupted_in_every_image_whatever_the_share_and_the_parts(images: Tensor) -> None:
    copies = [
        pipeline.corrupted_copy(images, Augmentation(8, corrupted=share, parts=parts))
        for share, parts in ((0.1, ()), (0.9, ("ink",)))
    ]
    assert torch.equal(*copies)
    assert share_changed(copies[0], images) == 1
