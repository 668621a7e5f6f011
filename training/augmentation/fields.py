"""Random numbers and smooth random fields that the augmentation draws from."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from training.images.vision import transforms

TYPICAL_SIDE = 28  # lengths in pixels are of images with this side, and grow with the image


def uniform(images: Tensor, low: float, high: float, rng: torch.Generator) -> Tensor:
    """One number for each image, low to high: (N, 1, 1, 1)."""
    return (low + (high - low) * torch.rand(len(images), 1, 1, 1, generator=rng)).to(images.device)


def number(low: float, high: float, rng: torch.Generator) -> float:
    """One number, low to high."""
    return low + (high - low) * torch.rand((), generator=rng).item()


def happens(images: Tensor, probability: float, rng: torch.Generator) -> Tensor:
    """1 for a random share of the images, 0 for the others: (N, 1, 1, 1)."""
    return (torch.rand(len(images), 1, 1, 1, generator=rng) < probability).to(images)


def noise(images: Tensor, rng: torch.Generator) -> Tensor:
    """Normally distributed numbers of the images' shape."""
    return torch.randn(images.shape, generator=rng).to(images.device)


def pixels(images: Tensor, length: float) -> float:
    """A length in pixels of a typical image, in pixels of these images."""
    return length * min(images.shape[2:]) / TYPICAL_SIDE


def coordinates(images: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (R, 1) and columns (1, C) of the pixels, in pixels of a typical image, 0 in the centre."""
    rows, columns = images.shape[2:]
    one = TYPICAL_SIDE / min(rows, columns)
    y = (torch.arange(rows, device=images.device) - (rows - 1) / 2) * one
    x = (torch.arange(columns, device=images.device) - (columns - 1) / 2) * one
    return y[:, None], x[None, :]


def smooth_field(images: Tensor, nodes: int, rng: torch.Generator) -> Tensor:
    """A random field for each image, 0 to 1, smooth between nodes x nodes points: (N, 1, R, C)."""
    points = torch.rand(len(images), 1, nodes, nodes, generator=rng).to(images.device)
    return functional.interpolate(points, size=images.shape[2:], mode="bilinear", align_corners=True)


def ramp(images: Tensor, rng: torch.Generator) -> Tensor:
    """A linear slope in a random direction for each image, 0 to 1: (N, 1, R, C)."""
    rows, columns = coordinates(images)
    angle = uniform(images, 0, 2 * math.pi, rng)
    slope = rows * angle.sin() + columns * angle.cos()
    low, high = slope.amin(dim=(2, 3), keepdim=True), slope.amax(dim=(2, 3), keepdim=True)
    return (slope - low) / (high - low).clamp(min=1e-6)


def blurred(images: Tensor, along_rows: float, along_columns: float) -> Tensor:
    """Gaussian blur with the standard deviations given in pixels of a typical image."""
    sigmas = [max(pixels(images, sigma), 0.1) for sigma in (along_rows, along_columns)]
    sizes = [2 * min(math.ceil(2 * sigma), (side - 1) // 2) + 1
             for sigma, side in zip(sigmas, reversed(images.shape[2:]), strict=True)]  # fmt: skip
    blur: Tensor = transforms.gaussian_blur(images, sizes, sigmas)
    return blur
