"""The kinds of corruption and their strengths.

The corruption of an image follows from the kind, the strength and the image's number.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.robustness import camera, placing, sheet, strokes
from training.robustness.strokes import Image

STRENGTHS = ("weak", "medium", "strong")


@dataclass(frozen=True)
class Kind:
    """One kind of corruption: the function, its parameter at each strength, and what the parameter is."""

    function: Callable[[Image, float, np.random.Generator], Image]
    parameters: tuple[float, float, float]
    meaning: str

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.__name__


KINDS = (
    Kind(strokes.thick, (1, 2, 3), "pixels wider"),
    Kind(strokes.thin, (1.8, 1.4, 1.0), "stroke width, pixels"),
    Kind(strokes.dry, (0.15, 0.25, 0.35), "share without ink"),
    Kind(sheet.grey, (0.2, 0.35, 0.5), "level of the paper"),
    Kind(sheet.shadow, (0.25, 0.4, 0.55), "light taken away"),
    Kind(sheet.fog, (0.3, 0.45, 0.6), "share of the clouds"),
    Kind(sheet.squared, (0.25, 0.4, 0.6), "strength of the lines"),
    Kind(sheet.scribble, (0.4, 0.7, 1.0), "strength of the line"),
    Kind(camera.defocus, (1.2, 1.8, 2.5), "radius, pixels"),
    Kind(camera.shake, (2.5, 4.0, 6.0), "length, pixels"),
    Kind(camera.grain, (12, 6, 3), "photons of a white pixel"),
    Kind(camera.impulses, (0.05, 0.1, 0.2), "share of the pixels"),
    Kind(camera.coarse, (0.6, 0.45, 0.35), "share of the sides"),
    Kind(placing.shifted, (2, 3, 4), "pixels, both ways"),
    Kind(placing.turned, (12, 20, 28), "degrees"),
    Kind(placing.small, (0.8, 0.65, 0.5), "size"),
)


def corrupted(
    kind: Kind, strength: int, images: NDArray[np.uint8], indices: NDArray[np.intp] | None = None
) -> NDArray[np.uint8]:
    """Images (N, ..., R, Co) under a kind of corruption; every channel of an image changes in the same way.

    strength: 0 to 2. indices: the images' numbers, by default 0 to N - 1. They decide the random numbers.
    """
    result = np.empty_like(images)
    numbers = range(len(images)) if indices is None else indices.tolist()
    for number, image, target in zip(numbers, images, result, strict=True):
        seed = (zlib.crc32(kind.name.encode()), strength, number)
        channels = image.reshape(-1, *image.shape[-2:])
        for channel, changed in zip(channels, target.reshape(channels.shape), strict=True):
            rng = np.random.default_rng(seed)
            ink = kind.function(channel / 255, kind.parameters[strength], rng)
            changed[:] = np.rint(ink.clip(0, 1) * 255)
    return result
