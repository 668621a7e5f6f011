"""Random affine changes and mirroring of training images, different in each epoch."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from data.mnist import COLS
from training.recipe import Augmentation


def draw_maps(count: int, augmentation: Augmentation, rng: torch.Generator) -> Tensor | None:
    """One random affine map for each image, float32 (count, 2, 3), or None if augmentation changes nothing.

    A map leads from a point in the new image to a point in the old one, as affine_grid expects.
    """
    if augmentation == Augmentation():
        return None

    def uniform(largest: float) -> Tensor:
        return (torch.rand(count, generator=rng) * 2 - 1) * largest

    angle = uniform(math.radians(augmentation.rotation))
    width, height = 1 + uniform(augmentation.scale), 1 + uniform(augmentation.scale)
    shear = uniform(augmentation.shear)
    half = COLS / 2  # affine_grid counts from -1 to 1
    cosine, sine = angle.cos(), angle.sin()
    columns = [cosine * width, (cosine * shear - sine) * height, uniform(augmentation.shift) / half]
    rows = [sine * width, (sine * shear + cosine) * height, uniform(augmentation.shift) / half]
    maps = torch.stack([torch.stack(columns, dim=1), torch.stack(rows, dim=1)], dim=1)
    if augmentation.flip:
        maps[torch.rand(count, generator=rng) < 0.5, 0] *= -1  # the column in the old image
    return maps


def augmented(images: Tensor, maps: Tensor) -> Tensor:
    """Images (N, 1, 28, 28) under the maps of draw_maps(), bilinear; outside of an image is background."""
    grid = functional.affine_grid(maps.to(images.device), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)
