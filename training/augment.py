"""Images of training, a little different every time they are seen."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from training.models import Augmentation


def augmented(images: Tensor, how: Augmentation) -> Tensor:
    """Each image (N, 1, rows, columns) under an affine map of its own, drawn from torch's global generator.

    One interpolation of the whole batch; what comes in from outside is background.
    """
    if how == Augmentation():
        return images

    def draw(reach: float) -> Tensor:
        return (torch.rand(len(images)) * 2 - 1) * reach

    # The inverse map, from a place in the new image to one in the old: turned, slanted, stretched, moved.
    angle = draw(math.radians(how.rotation))
    across, down = 1 + draw(how.scale), 1 + draw(how.scale)
    slant = draw(how.shear)
    half = images.shape[-1] / 2  # a grid counts from -1 to 1
    cosine, sine = angle.cos(), angle.sin()
    rows = [
        torch.stack([cosine * across, (cosine * slant - sine) * down, draw(how.shift) / half], dim=1),
        torch.stack([sine * across, (sine * slant + cosine) * down, draw(how.shift) / half], dim=1),
    ]
    maps = torch.stack(rows, dim=1).to(images.device)
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)
