"""What cameras do: defocus, motion, coarse pixels, noise, and pixels that fail."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from training.augmentation.fields import blurred, happens, noise, number, pixels, smooth_field, uniform


def defocused(images: Tensor, rng: torch.Generator) -> Tensor:
    """Out of focus; astigmatic in half of the cases."""
    sigma = number(0.5, 1.9, rng)
    other = number(0.5, 1.9, rng) if number(0, 1, rng) < 0.5 else sigma
    return _some_contrast_back(blurred(images, sigma, other), images, rng)


def moved(images: Tensor, rng: torch.Generator) -> Tensor:
    """Moved along a straight line during the exposure."""
    length, angle = pixels(images, number(1.5, 6.5, rng)), number(0, math.pi, rng)
    reach = math.ceil(length / 2)
    offsets = torch.arange(-reach, reach + 1, dtype=images.dtype)
    rows, columns = torch.meshgrid(offsets, offsets, indexing="ij")
    along = rows * math.sin(angle) + columns * math.cos(angle)
    across = rows * math.cos(angle) - columns * math.sin(angle)
    kernel = (length / 2 + 0.5 - along.abs()).clamp(0, 1) * (1 - across.abs()).clamp(min=0)
    kernel = (kernel / kernel.sum()).to(images.device).expand(images.shape[1], 1, -1, -1)
    result = functional.conv2d(images, kernel.contiguous(), padding=reach, groups=images.shape[1])
    return _some_contrast_back(result, images, rng)


def coarse(images: Tensor, rng: torch.Generator) -> Tensor:
    """Fewer pixels, enlarged again: smooth or in blocks."""
    sides = [max(2, round(side * number(0.38, 0.8, rng))) for side in images.shape[2:]]
    small = functional.adaptive_avg_pool2d(images, sides)
    if number(0, 1, rng) < 0.5:
        return functional.interpolate(small, size=images.shape[2:], mode="nearest")
    return functional.interpolate(small, size=images.shape[2:], mode="bilinear", align_corners=False)


def noisy(images: Tensor, rng: torch.Generator) -> Tensor:
    """Noise of the sensor: even, growing with brightness, or in patches; fine or coarse."""
    grain = noise(images, rng)
    coarse_grain = blurred(grain, 0.8, 0.8) * 2.5
    grain = torch.where(happens(images, 0.3, rng) > 0, coarse_grain, grain)
    strength = uniform(images, 0.05, 0.32, rng)
    bright = 0.15 + images.clamp(min=0).sqrt()
    patchy = 1.6 * smooth_field(images, 4, rng)
    which = uniform(images, 0, 4, rng)
    where = torch.where(which < 1, bright, torch.where(which < 2, patchy, torch.ones_like(images)))
    return images + strength * where * grain


def salted(images: Tensor, rng: torch.Generator) -> Tensor:
    """Pixels that are always black or always white."""
    drawn = torch.rand(images.shape, generator=rng).to(images.device)
    share = uniform(images, 0.01, 0.16, rng)
    white = uniform(images, 0, 1, rng)
    salt = (torch.rand(images.shape, generator=rng).to(images.device) < white).to(images)
    return torch.where(drawn < share, salt, images)


def dropped(images: Tensor, rng: torch.Generator) -> Tensor:
    """Pixels, rows or columns without a signal."""
    count, _, rows, columns = images.shape
    share = uniform(images, 0.05, 0.45, rng)
    single = torch.rand(count, 1, rows, columns, generator=rng).to(images.device) < share
    row = torch.rand(count, 1, rows, 1, generator=rng).to(images.device) < share * 0.4
    column = torch.rand(count, 1, 1, columns, generator=rng).to(images.device) < share * 0.4
    which = uniform(images, 0, 4, rng)
    lost = torch.where(which < 2, single, torch.where(which < 3, row, column))
    return images.masked_fill(lost, 0.0)


def _some_contrast_back(blurry: Tensor, images: Tensor, rng: torch.Generator) -> Tensor:
    """In half of the cases as dark as before, as a camera's exposure would have it."""
    peak = blurry.amax(dim=(1, 2, 3), keepdim=True).clamp(min=0.1)
    gain = images.amax(dim=(1, 2, 3), keepdim=True) / peak
    return (blurry * torch.lerp(torch.ones_like(gain), gain, happens(images, 0.5, rng))).clamp(0, 1)
