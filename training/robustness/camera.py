"""Corruptions by the camera."""

from __future__ import annotations

import numpy as np
from PIL import Image as Pillow
from scipy import ndimage

from training.robustness.strokes import Image


def defocus(image: Image, radius: float, rng: np.random.Generator) -> Image:
    """Each point becomes a disc of this radius in pixels."""
    reach = int(np.ceil(radius))
    fine = np.linspace(-reach - 0.5, reach + 0.5, (2 * reach + 1) * 8 + 1)
    fine = (fine[1:] + fine[:-1]) / 2
    inside = np.hypot(fine[:, None], fine[None, :]) <= radius
    disc = inside.reshape(2 * reach + 1, 8, 2 * reach + 1, 8).mean(axis=(1, 3))
    return ndimage.convolve(image, disc / disc.sum(), mode="nearest")


def shake(image: Image, length: float, rng: np.random.Generator) -> Image:
    """The mean along a curved path of this length in pixels."""
    turn = rng.uniform(-1.2, 1.2)
    angles = rng.uniform(0, 2 * np.pi) + turn * np.linspace(-0.5, 0.5, 9)
    path = np.cumsum(np.stack([np.sin(angles), np.cos(angles)], axis=1), axis=0) * (length / 9)
    path -= path.mean(axis=0)
    return np.mean([ndimage.shift(image, step, order=1) for step in path], axis=0)


def grain(image: Image, photons: float, rng: np.random.Generator) -> Image:
    """Little light: a white pixel gives this number of photons on average, and paper a tenth of it."""
    return rng.poisson(photons * (0.1 + 0.9 * image)) / photons


def impulses(image: Image, share: float, rng: np.random.Generator) -> Image:
    """This share of the pixels is black or white."""
    drawn = rng.random(image.shape)
    return np.where(drawn < share / 2, 0.0, np.where(drawn < share, 1.0, image))


def coarse(image: Image, side: float, rng: np.random.Generator) -> Image:
    """A sensor with this share of the rows and columns, enlarged again."""
    rows, columns = image.shape
    small = (max(2, round(columns * side)), max(2, round(rows * side)))
    picture = Pillow.fromarray(image.astype(np.float32))
    picture = picture.resize(small, Pillow.Resampling.BOX).resize((columns, rows), Pillow.Resampling.BICUBIC)
    return np.asarray(picture, np.float64)
