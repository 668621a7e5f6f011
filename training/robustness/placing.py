"""Corruptions of where and how the digit lies."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from training.robustness.strokes import Image


def shifted(image: Image, pixels: float, rng: np.random.Generator) -> Image:
    """Moved by this number of pixels, up or down and left or right."""
    return np.asarray(ndimage.shift(image, pixels * rng.choice([-1, 1], 2), order=0))


def turned(image: Image, degrees: float, rng: np.random.Generator) -> Image:
    """Turned by this angle, to the left or to the right."""
    return np.asarray(ndimage.rotate(image, degrees * rng.choice([-1, 1]), reshape=False, order=3))


def small(image: Image, size: float, rng: np.random.Generator) -> Image:
    """Smaller, around the centre of the image."""
    centre = (np.array(image.shape) - 1) / 2
    smooth = ndimage.gaussian_filter(image, 0.4 * (1 / size - 1))
    return np.asarray(ndimage.affine_transform(smooth, np.eye(2) / size, centre - centre / size, order=3))
