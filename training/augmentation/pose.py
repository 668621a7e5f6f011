"""How a digit lies in the image: affine maps, perspective and bending, in one bilinear sampling."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from training.augmentation.fields import happens, pixels, uniform
from training.recipe import Augmentation


def draw_maps(
    count: int, augmentation: Augmentation, rng: torch.Generator, size: tuple[int, int]
) -> Tensor | None:
    """One random affine map for each image, float32 (count, 2, 3), or None if the recipe has none.

    size: rows and columns of an image. A map leads from a point in the new image to a point in the old one,
    as affine_grid expects: coordinates from -1 to 1 in both directions.
    """
    if not augmentation.has_maps:
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


def grid(images: Tensor, maps: Tensor | None) -> Tensor:
    """Where each pixel of images (N, C, R, Co) comes from: (N, R, Co, 2), from -1 to 1."""
    if maps is None:
        maps = torch.eye(2, 3).expand(len(images), 2, 3)
    return functional.affine_grid(maps.to(images.device), list(images.shape), align_corners=False)


def sampled(images: Tensor, places: Tensor) -> Tensor:
    """The images at the places of a grid, bilinear; outside of an image is background."""
    return functional.grid_sample(images, places, align_corners=False)


def awkward(places: Tensor, images: Tensor, rng: torch.Generator) -> Tensor:
    """A grid with much wider changes: turned, slanted, resized, moved, seen from the side, bent."""
    count, rows, columns, _ = places.shape
    x, y = places[..., 0], places[..., 1]

    def draw(low: float, high: float) -> Tensor:
        return uniform(images, low, high, rng)[:, 0]

    angle, slant = draw(-0.45, 0.45), draw(-0.35, 0.35)
    size = draw(0.75, 1.5)  # 1.5: two thirds as large
    wide = size * draw(0.85, 1.18)
    x, y = x + slant * y, y
    x, y = wide * (angle.cos() * x - angle.sin() * y), size * (angle.sin() * x + angle.cos() * y)
    depth = 1 + draw(-0.2, 0.2) * x + draw(-0.2, 0.2) * y
    step = 2 * pixels(images, 4.0) / min(rows, columns)
    room = (size - 0.45).clamp(min=0.1)  # a small digit may lie further from the centre
    x = x / depth + draw(-1, 1) * step * room.clamp(max=1.2)
    y = y / depth + draw(-1, 1) * step * room.clamp(max=1.2)
    nodes = torch.randn(count, 2, 5, 5, generator=rng).to(images.device)
    bend = functional.interpolate(nodes, size=(rows, columns), mode="bicubic", align_corners=True)
    bend = bend * (happens(images, 0.4, rng) * uniform(images, 0.2, 0.9, rng) * step / 4)
    return torch.stack([x + bend[:, 0], y + bend[:, 1]], dim=-1)
