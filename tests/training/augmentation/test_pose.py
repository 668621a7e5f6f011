"""The pose: images stay images, and change by no more than the recipe says."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

import torch
from torch import Tensor

from data import mnist
from training.augmentation.pose import draw_maps, grid, sampled
from training.images.tensors import as_input
from training.recipe import Augmentation

pytestmark = pytest.mark.train


@pytest.fixture
def images() -> Tensor:
    return as_input(mnist.load_test_set().images[:200])


def centre(images: Tensor) -> Tensor:
    """The centre of the ink, (N, 2): column and row."""
    positions = torch.arange(28.0)
    ink = images.sum(dim=(1, 2, 3))
    columns = (images.sum(dim=(1, 2)) * positions).sum(dim=1) / ink
    rows = (images.sum(dim=(1, 3)) * positions).sum(dim=1) / ink
    return torch.stack([columns, rows], dim=1)


def extent(images: Tensor) -> Tensor:
    """The standard deviation of the ink's columns and rows around its centre, (N, 2)."""
    positions, middle = torch.arange(28.0), centre(images)
    ink = images.sum(dim=(1, 2, 3))
    columns = (images.sum(dim=(1, 2)) * (positions - middle[:, :1]) ** 2).sum(dim=1) / ink
    rows = (images.sum(dim=(1, 3)) * (positions - middle[:, 1:]) ** 2).sum(dim=1) / ink
    return torch.stack([columns, rows], dim=1).sqrt()


def change(images: Tensor, augmentation: Augmentation, seed: int) -> Tensor:
    maps = draw_maps(len(images), augmentation, torch.Generator().manual_seed(seed), (28, 28))
    assert maps is not None
    return sampled(images, grid(images, maps))


def test_no_augmentation_has_no_maps() -> None:
    assert draw_maps(5, Augmentation(), torch.Generator(), (28, 28)) is None


@pytest.mark.parametrize(
    "augmentation", [Augmentation(shift=2), Augmentation(15, 0.1, 0.2, 2)], ids=["shift", "all"]
)
def test_images_stay_images_and_follow_from_the_seed(images: Tensor, augmentation: Augmentation) -> None:
    first, second, again = (change(images, augmentation, seed) for seed in (3, 4, 3))
    assert first.shape == images.shape and first.min() >= 0 and first.max() <= 1.0001
    assert torch.equal(first, again) and not torch.equal(first, second)
    assert 0.9 < first.sum() / images.sum() < 1.1


def test_the_maps_of_a_seed_are_those_of_the_committed_models() -> None:
    maps = draw_maps(2, Augmentation(8, 0.08, 0.1, 1.5), torch.Generator().manual_seed(10_007), (28, 28))
    assert maps is not None
    expected = [
        [[1.03751, -0.12741, 0.10281], [0.11745, 1.05359, -0.07293]],
        [[0.96111, 0.0205, 0.08973], [-0.11554, 0.95526, -0.09879]],
    ]
    torch.testing.assert_close(maps, torch.tensor(expected), atol=1e-5, rtol=0)


def test_a_shift_moves_the_ink_by_up_to_that_many_pixels(images: Tensor) -> None:
    moves = centre(change(images, Augmentation(shift=2), 0)) - centre(images)
    assert 1.8 < moves.max() < 2.1 and -2.1 < moves.min() < -1.8
    assert (moves.abs().mean(dim=0) - 1).abs().max() < 0.2
    assert torch.corrcoef(moves.T)[0, 1].abs() < 0.3


def test_a_rotation_keeps_the_middle(images: Tensor) -> None:
    turned = change(images, Augmentation(rotation=30), 0)
    assert (centre(turned) - centre(images)).abs().max() < 1.5
    assert (turned - images).abs().mean() > 0.02


def test_a_rotation_turns_by_up_to_that_angle() -> None:
    line = torch.zeros(200, 1, 28, 28)
    line[:, :, 3:25, 13:15] = 1
    turned = change(line, Augmentation(rotation=30), 0)
    top, bottom = (
        centre(turned * (torch.arange(28) < 14).view(28, 1)),
        centre(turned * (torch.arange(28) >= 14).view(28, 1)),
    )
    angles = torch.rad2deg(torch.atan2(*(bottom - top).T))
    assert 26 < angles.max() < 31 and -31 < angles.min() < -26


def test_scaling_changes_both_sides_by_up_to_that_share(images: Tensor) -> None:
    ratio = extent(change(images, Augmentation(scale=0.2), 0)) / extent(images)
    # An image is larger where its map is smaller.
    assert 1.15 < ratio.max() < 1.3 and 0.78 < ratio.min() < 0.87
    assert torch.corrcoef(ratio.T)[0, 1].abs() < 0.3


def test_a_shear_moves_each_row_by_up_to_that_many_columns_per_row() -> None:
    line = torch.zeros(200, 1, 28, 28)
    line[:, :, 3:25, 13:15] = 1
    sheared = change(line, Augmentation(shear=0.3), 0)
    columns = (sheared * torch.arange(28.0)).sum(dim=3) / sheared.sum(dim=3)
    slopes = (columns[:, 0, 20] - columns[:, 0, 7]) / 13
    assert 0.26 < slopes.max() < 0.31 and -0.31 < slopes.min() < -0.26


def test_a_flip_mirrors_about_half_of_the_images(images: Tensor) -> None:
    flipped = change(images, Augmentation(flip=True), 0)
    is_mirrored = (flipped - images.flip(3)).abs().amax(dim=(1, 2, 3)) < 1e-5
    is_unchanged = (flipped - images).abs().amax(dim=(1, 2, 3)) < 1e-5
    assert torch.all(is_mirrored | is_unchanged)
    assert 70 < is_mirrored.sum() < 130


def test_an_image_that_is_not_square_changes_by_the_same_pixels() -> None:
    def in_pixels(rows: int, columns: int) -> Tensor:
        maps = draw_maps(50, Augmentation(20, 0.1, 0.2, 2), torch.Generator().manual_seed(1), (rows, columns))
        assert maps is not None
        half = torch.tensor([columns / 2, rows / 2])
        return torch.cat([maps[:, :, :2] * half[:, None] / half, maps[:, :, 2:] * half[:, None]], dim=2)

    torch.testing.assert_close(in_pixels(12, 40), in_pixels(28, 28))
