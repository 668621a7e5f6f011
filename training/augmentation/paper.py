"""What paper and light do: grey sheets, shadows, lines, specks, and things that cover the digit."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from training.augmentation.fields import coordinates, happens, number, pixels, ramp, smooth_field, uniform
from training.images.vision import transforms


def sheet(images: Tensor, rng: torch.Generator) -> Tensor:
    """A sheet that is not black: an even level, a slope, clouds, or all of them."""
    level = uniform(images, 0, 0.5, rng)
    slope = ramp(images, rng) * uniform(images, 0, 0.5, rng) * happens(images, 0.6, rng)
    clouds = smooth_field(images, 4, rng) * uniform(images, 0, 0.4, rng) * happens(images, 0.5, rng)
    return _on(images, (level + slope + clouds).clamp(max=0.75), rng)


def texture(images: Tensor, rng: torch.Generator) -> Tensor:
    """A rough sheet: fine and coarse structure."""
    nodes = max(3, round(min(images.shape[2:]) * number(0.25, 0.8, rng)))
    return _on(images, smooth_field(images, nodes, rng) * uniform(images, 0.1, 0.55, rng), rng)


def ruled(images: Tensor, rng: torch.Generator) -> Tensor:
    """Ruled or squared paper, slightly turned."""
    rows, columns = coordinates(images)
    turn = uniform(images, -0.15, 0.15, rng)
    across = _lines(rows + turn * columns, images, rng)
    down = _lines(columns - turn * rows, images, rng)
    both = happens(images, 0.35, rng)
    upright = happens(images, 0.5, rng)
    lines = torch.maximum(across * torch.maximum(both, 1 - upright), down * torch.maximum(both, upright))
    return torch.maximum(images, lines * uniform(images, 0.15, 0.85, rng))


def specks(images: Tensor, rng: torch.Generator) -> Tensor:
    """Round blots of ink and holes in it."""
    rows, columns = coordinates(images)
    shape = (len(images), int(number(2, 7, rng)), 1, 1)

    def draw(low: float, high: float) -> Tensor:
        return (low + (high - low) * torch.rand(shape, generator=rng)).to(images.device)

    y, x, size = draw(-1, 1) * rows.max(), draw(-1, 1) * columns.max(), draw(0.5, 2.2)
    across = torch.exp(-(rows - y).square() / (2 * size.square()))
    along = torch.exp(-(columns - x).square() / (2 * size.square()))
    blots = (1.5 * across * along).clamp(max=1) * draw(0.4, 1)
    holes = draw(0, 1) < 0.3
    ink = (blots * ~holes).amax(dim=1, keepdim=True)
    return torch.maximum(images * (1 - (blots * holes).amax(dim=1, keepdim=True)), ink)


def stroke(images: Tensor, rng: torch.Generator) -> Tensor:
    """One straight stroke across the digit, or a gap of that shape in it."""
    rows, columns = coordinates(images)
    angle, offset = uniform(images, 0, math.pi, rng), uniform(images, -9, 9, rng)
    distance = (rows * angle.sin() + columns * angle.cos() - offset).abs()
    line = (1 - (distance - uniform(images, 0, 0.9, rng)).clamp(min=0)).clamp(min=0)
    line = line * uniform(images, 0.5, 1, rng)
    gap = happens(images, 0.4, rng)
    return torch.where(gap > 0, images * (1 - line), torch.maximum(images, line))


def covered(images: Tensor, rng: torch.Generator) -> Tensor:
    """A part of the image is covered by a rectangle of one brightness."""
    rows, columns = images.shape[2:]
    height, width = (max(1, round(pixels(images, number(2, 7, rng)))) for _ in range(2))
    top, left = int(number(0, rows - height, rng)), int(number(0, columns - width, rng))
    value = number(0, 0.6, rng) if number(0, 1, rng) < 0.4 else 0.0
    patch = torch.full((1, 1, 1), value, device=images.device)
    result: Tensor = transforms.erase(images, top, left, height, width, patch)
    return result


def _on(images: Tensor, paper: Tensor, rng: torch.Generator) -> Tensor:
    """Ink on paper: added as light is, or with less contrast as through haze."""
    screened = 1 - (1 - images) * (1 - paper)
    hazy = images * (1 - paper.amax(dim=(2, 3), keepdim=True)) + paper
    added = (images + paper).clamp(max=1)
    which = uniform(images, 0, 3, rng)
    return torch.where(which < 1, screened, torch.where(which < 2, hazy, added))


def _lines(position: Tensor, images: Tensor, rng: torch.Generator) -> Tensor:
    period = uniform(images, 4.5, 14, rng)
    phase = uniform(images, 0, 1, rng)
    distance = ((position / period + phase) % 1 - 0.5).abs() * period
    return (1 - (distance - uniform(images, 0, 0.5, rng)).clamp(min=0)).clamp(min=0)
