"""What pens do: thick, thin, pale and uneven strokes."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from training.augmentation.fields import number, smooth_field, uniform
from training.images.vision import transforms


def thicker(images: Tensor, rng: torch.Generator) -> Tensor:
    """Strokes up to about three pixels wider."""
    near = functional.max_pool2d(images, 3, 1, 1)
    amount = uniform(images, 0.2, 1.6, rng)
    wide = functional.max_pool2d(near, 3, 1, 1)
    wider = torch.lerp(images, near, amount.clamp(max=1))
    return torch.lerp(wider, wide, (amount - 1).clamp(min=0))


def thinner(images: Tensor, rng: torch.Generator) -> Tensor:
    """Strokes as thin as about one pixel, as dark as before."""
    across = -functional.max_pool2d(-images, (1, 3), 1, (0, 1))
    down = -functional.max_pool2d(-images, (3, 1), 1, (1, 0))
    thin = torch.lerp(images, torch.minimum(across, down), uniform(images, 0.3, 0.9, rng))
    peak = thin.amax(dim=(1, 2, 3), keepdim=True).clamp(min=0.1)
    return (thin / peak * images.amax(dim=(1, 2, 3), keepdim=True) * 1.2).clamp(0, 1)


def pale(images: Tensor, rng: torch.Generator) -> Tensor:
    """Less ink, and another relation of ink to brightness."""
    exponent = math.exp(number(-0.8, 0.8, rng))
    changed: Tensor = transforms.adjust_gamma(images, exponent)
    return changed * uniform(images, 0.3, 1, rng)


def uneven(images: Tensor, rng: torch.Generator) -> Tensor:
    """A pen that runs dry in places."""
    field = smooth_field(images, 6, rng)
    return images * (1 - uniform(images, 0.3, 1, rng) * field)
