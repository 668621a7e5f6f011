"""Corruptions of the strokes: their width, and ink that is missing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import skeletonize

Image = NDArray[np.float64]  # (rows, columns), 0 for background to 1 for full ink

_CROSS = ndimage.generate_binary_structure(2, 1)
_ROUND = np.array([[0, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0]], bool)
_BRUSHES = {1: np.ones((2, 2), bool), 2: _CROSS, 3: _ROUND}


def thick(image: Image, wider: float, rng: np.random.Generator) -> Image:
    """Strokes wider by 1, 2 or 3 pixels."""
    return ndimage.grey_dilation(image, footprint=_BRUSHES[int(wider)])


def thin(image: Image, width: float, rng: np.random.Generator) -> Image:
    """The middle lines of the strokes, drawn again with a pen of this width in pixels."""
    large = ndimage.zoom(image, 3, order=1) > 0.45
    skeleton = skeletonize(large)
    if not skeleton.any():
        return image
    distance = ndimage.distance_transform_edt(~skeleton)
    drawn = np.clip(1.5 * width + 0.5 - distance, 0, 1)
    rows, columns = image.shape
    return drawn.reshape(rows, 3, columns, 3).mean(axis=(1, 3))


def dry(image: Image, share: float, rng: np.random.Generator) -> Image:
    """A pen that leaves gaps in this share of the sheet, longer along one direction."""
    side = 2 * max(image.shape)
    streaks = ndimage.gaussian_filter(rng.standard_normal((side, side)), (0.8, 2.0))
    streaks = ndimage.rotate(streaks, rng.uniform(0, 180), reshape=False, order=1)
    top, left = ((side - length) // 2 for length in image.shape)
    part = streaks[top : top + image.shape[0], left : left + image.shape[1]]
    return np.where(part < np.quantile(part, share), 0.15 * image, image)
