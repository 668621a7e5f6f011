"""Made-up photos of digits on paper: test images with light, shadow, texture, lines, defocus and noise.

A seed fully determines a photo.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

Array = npt.NDArray[np.float32]
Images = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Placed:
    """One digit of a photo: its label, and the centre of its image in the photo."""

    label: int
    x: float
    y: float


@dataclass(frozen=True)
class Photo:
    pixels: npt.NDArray[np.uint8]
    text: str
    """The digits as people read them: lines, and blanks between groups."""
    digits: list[Placed] = field(default_factory=list)


def photo_of_one(image: Images, label: int, seed: int) -> Photo:
    """One digit somewhere on a piece of paper."""
    rng = np.random.default_rng(seed)
    height, width = rng.integers(260, 520, 2)
    side = int(rng.uniform(0.4, 0.8) * min(height, width))
    ink = np.zeros((height, width), np.float32)
    top, left = (int(rng.uniform(0.1, 0.9) * (length - side)) for length in (height, width))
    _draw(ink, image, top, left, side)
    photo, _ = _photograph(ink, rng, pitch=side * rng.uniform(0.35, 0.9))
    return Photo(photo, str(label), [Placed(label, left + side / 2, top + side / 2)])


def photo_of_sheet(images: Images, labels: Images, seed: int) -> Photo:
    """One to four lines of digits in groups, drawn at random from the images."""
    rng = np.random.default_rng(seed)
    height, width = int(rng.integers(600, 1000)), int(rng.integers(800, 1300))
    ink = np.zeros((height, width), np.float32)
    size = rng.uniform(60, 110)  # of the 20 x 20 pixels of a digit
    lines: list[str] = []
    placed: list[Placed] = []
    pitch = size * rng.uniform(1.5, 2.0)
    y = size * rng.uniform(0.9, 1.5)
    while y + 1.6 * size < height and len(lines) < 4:
        x = size * rng.uniform(0.8, 2.0)
        line = ""
        while x + 1.8 * size < width and len(line) < 12:
            chosen = int(rng.integers(len(images)))
            side = int(size * rng.uniform(0.85, 1.15) * 28 / 20)
            image = images[chosen]
            across = np.flatnonzero(image.any(axis=0))  # wide and narrow neighbours keep the same gap
            first, last = across[0] * side / 28, (across[-1] + 1) * side / 28
            top = int(y + size * rng.uniform(-0.1, 0.1) + (size - side) / 2)
            _draw(ink, image, top, int(x - first), side)
            line += str(labels[chosen])
            placed.append(Placed(int(labels[chosen]), x + (last - first) / 2, top + side / 2))
            x += last - first + size * rng.uniform(0.15, 0.4)
            if rng.random() < 0.2:
                x += size * rng.uniform(1.4, 2.2)
                line += " "
        lines.append(line.strip())
        y += pitch + size * rng.uniform(0, 0.4)
    photo, turn = _photograph(ink, rng, pitch=size * rng.uniform(0.5, 1.6))
    digits = [Placed(digit.label, *turn(digit.x, digit.y)) for digit in placed]
    return Photo(photo, "\n".join(lines), digits)


def _draw(ink: Array, image: Images, top: int, left: int, side: int) -> None:
    """Adds a digit, its 28 x 28 pixels enlarged to `side`."""
    large = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC), np.float32)
    large = np.clip((large / 255 - 0.25) / 0.4, 0, 1)
    rows, cols = (slice(max(0, at), at + side) for at in (top, left))
    part = ink[rows, cols]
    cut = large[max(0, -top) :, max(0, -left) :][: part.shape[0], : part.shape[1]]
    part[:] = np.maximum(part, cut)


def _photograph(
    ink: Array, rng: np.random.Generator, pitch: float
) -> tuple[npt.NDArray[np.uint8], Callable[[float, float], tuple[float, float]]]:
    """A photo of the ink, and where a point of the sheet is in it. `pitch`: pixels between printed lines."""
    height, width = ink.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = float(np.deg2rad(rng.uniform(-10, 10))) if rng.random() < 0.7 else 0.0
    ink = ndimage.rotate(ink, np.rad2deg(angle), reshape=False, order=1)
    paper = np.ones_like(ink)
    kind = rng.choice(["plain", "ruled", "squared"], p=[0.5, 0.25, 0.25])
    if kind != "plain":
        thickness, darkness = rng.uniform(1.0, 2.5), rng.uniform(0.1, 0.35)
        across, down = np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y
        for axis in [down] if kind == "ruled" else [down, across]:
            distance = np.abs((axis + rng.uniform(0, pitch)) % pitch - pitch / 2)
            paper = np.minimum(paper, 1 - darkness * np.clip(thickness / 2 + 0.5 - distance, 0, 1))
    level, dark = rng.uniform(170, 235), rng.uniform(20, 100)
    grain = ndimage.gaussian_filter(rng.standard_normal(ink.shape).astype(np.float32), rng.uniform(0.8, 3))
    paper = paper * level + grain / grain.std() * rng.uniform(0, 4)
    scene = paper * (1 - ink) + dark * ink
    scene += _ramp(x, y, rng) * rng.uniform(0, 30)
    if rng.random() < 0.4:
        edge = _ramp(x, y, rng) * 0.5 + rng.uniform(-0.2, 0.2)
        softness = rng.uniform(0.01, 0.2)
        scene *= 1 - rng.uniform(0.2, 0.5) / (1 + np.exp(-np.clip(edge / softness, -30, 30)))
    scene = ndimage.gaussian_filter(scene, rng.uniform(0.4, 2.0))
    scene += rng.standard_normal(scene.shape) * rng.uniform(1, 8)
    file = io.BytesIO()
    Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8)).save(
        file, format="JPEG", quality=int(rng.integers(60, 96))
    )
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2

    def turn(at_x: float, at_y: float) -> tuple[float, float]:
        dx, dy = at_x - centre_x, at_y - centre_y
        return (
            float(centre_x + dx * np.cos(angle) + dy * np.sin(angle)),
            float(centre_y - dx * np.sin(angle) + dy * np.cos(angle)),
        )

    return np.asarray(Image.open(file)), turn


def _ramp(x: Array, y: Array, rng: np.random.Generator) -> Array:
    """A linear ramp in a random direction, from -1 to 1."""
    direction = rng.uniform(0, 2 * np.pi)
    ramp = np.cos(direction) * (x / x.max() * 2 - 1) + np.sin(direction) * (y / y.max() * 2 - 1)
    return np.asarray(ramp / np.abs(ramp).max(), np.float32)
