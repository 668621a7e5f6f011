"""Random affine changes and mirroring of training images, different in each epoch."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from data.mnist import COLS, ROWS
from training.recipe import Augmentation


def draw_maps(
    count: int, augmentation: Augmentation, rng: torch.Generator, size: tuple[int, int] = (ROWS, COLS)
) -> Tensor | None:
    """One random affine map for each image, float32 (count, 2, 3), or None if augmentation changes nothing.

    size: rows and columns of an image. A map leads from a point in the new image to a point in the old one,
    as affine_grid expects: coordinates from -1 to 1 in both directions.
    """
    if augmentation == Augmentation():
        return None

    def uniform(largest: float) -> Tensor:
        return (torch.rand(count, generator=rng) * 2 - 1) * largest

    angle = uniform(math.radians(augmentation.rotation))
    width, height = 1 + uniform(augmentation.scale), 1 + uniform(augmentation.scale)
    shear = uniform(augmentation.shear)
    half_rows, half_columns = (side / 2 for side in size)  # the length of 1, in pixels
    cosine, sine = angle.cos(), angle.sin()
    columns = [
        cosine * width,
        (cosine * shear - sine) * height * (half_rows / half_columns),
        uniform(augmentation.shift) / half_columns,
    ]
    rows = [
        sine * width * (half_columns / half_rows),
        (sine * shear + cosine) * height,
        uniform(augmentation.shift) / half_rows,
    ]
    maps = torch.stack([torch.stack(columns, dim=1), torch.stack(rows, dim=1)], dim=1)
    if augmentation.flip:
        maps[torch.rand(count, generator=rng) < 0.5, 0] *= -1  # the column in the old image
    return maps


def augmented(images: Tensor, maps: Tensor) -> Tensor:
    """Images (N, channels, rows, columns) under the maps of draw_maps(), bilinear; background around them."""
    grid = functional.affine_grid(maps.to(images.device), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)
