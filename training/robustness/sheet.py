"""Corruptions of the sheet and its light."""

from __future__ import annotations

import numpy as np
from skimage import draw

from training.robustness.strokes import Image


def grey(image: Image, level: float, rng: np.random.Generator) -> Image:
    """Paper of this level; the ink reaches only 0.95."""
    paper = level + rng.uniform(-0.03, 0.03)
    return paper + (0.95 - paper) * image


def shadow(image: Image, depth: float, rng: np.random.Generator) -> Image:
    """A shadow with a soft straight edge. In the shadow, paper looks like ink of this level."""
    rows, columns = image.shape
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    edge = (np.cos(angle) * x + np.sin(angle) * y - rng.uniform(-0.5, 0.5)) / rng.uniform(0.06, 0.3)
    light = 1 - depth / (1 + np.exp(-edge))
    return 1 - (1 - 0.95 * image) * light


def fog(image: Image, share: float, rng: np.random.Generator) -> Image:
    """Clouds between the camera and the sheet, with the spectrum 1/f. They take this share of the light."""
    rows, columns = image.shape
    frequency = np.hypot(np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None, :])
    frequency[0, 0] = np.inf
    spectrum = rng.standard_normal((2, *frequency.shape)) / frequency**1.5
    clouds = np.fft.irfft2(spectrum[0] + 1j * spectrum[1], s=image.shape)
    clouds = (clouds - clouds.min()) / np.ptp(clouds)
    return (1 - share) * image + share * clouds


def squared(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """Squared paper with lines of this strength, one pixel wide."""
    paper = np.zeros(image.shape)
    step = int(rng.integers(5, 9))
    paper[int(rng.integers(step)) :: step, :] = strength
    paper[:, int(rng.integers(step)) :: step] = strength
    return np.maximum(image, paper)


def scribble(image: Image, strength: float, rng: np.random.Generator) -> Image:
    """A zigzag line of ink across the sheet."""
    rows, columns = image.shape
    corners = np.linspace(0, columns - 1, int(rng.integers(4, 7))).round().astype(int)
    slope = rng.uniform(-0.25, 0.25) * rows * np.linspace(-1, 1, len(corners))
    middle = rng.uniform(0.2, 0.8) * (rows - 1) + slope
    swing = rng.uniform(0.03, 0.14) * rows * np.resize([1, -1], len(corners))
    heights = (middle + swing).clip(0, rows - 1).round().astype(int)
    line = np.zeros(image.shape)
    for start in range(len(corners) - 1):
        y, x, ink = draw.line_aa(heights[start], corners[start], heights[start + 1], corners[start + 1])
        line[y, x] = np.maximum(line[y, x], ink)
    return np.maximum(image, strength * line)
