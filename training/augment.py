"""Images of training, a little different every time they are seen."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from data.mnist import COLS
from training.models import Augmentation


def draw_maps(count: int, how: Augmentation, chance: torch.Generator) -> Tensor | None:
    """Affine maps, float32 (count, 2, 3), one for each image; None where augmentation changes nothing.

    They lead from a place in the new image to one in the old, as affine_grid wants them.
    """
    if how == Augmentation():
        return None

    def draw(reach: float) -> Tensor:
        return (torch.rand(count, generator=chance) * 2 - 1) * reach

    angle = draw(math.radians(how.rotation))
    across, down = 1 + draw(how.scale), 1 + draw(how.scale)
    slant = draw(how.shear)
    half = COLS / 2  # a grid counts from -1 to 1
    cosine, sine = angle.cos(), angle.sin()
    rows = [
        torch.stack([cosine * across, (cosine * slant - sine) * down, draw(how.shift) / half], dim=1),
        torch.stack([sine * across, (sine * slant + cosine) * down, draw(how.shift) / half], dim=1),
    ]
    return torch.stack(rows, dim=1)


def augmented(images: Tensor, maps: Tensor) -> Tensor:
    """Images (N, 1, 28, 28) under maps of draw_maps(), interpolated once; from outside comes background."""
    grid = functional.affine_grid(maps.to(images.device), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)
