"""The strength of the ink in a picture with even or uneven light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from pictures.errors import PictureError
from pictures.files import Picture, grey

MIN_CONTRAST = 24  # of 255; a smaller difference between paper and ink is an empty sheet

Strength = npt.NDArray[np.float32]
_Value = TypeVar("_Value", bound=np.generic)

_NOISY = 0.75  # standard deviation, of 255; above it the picture is smoothed
_SIGMAS = 4.0  # what exceeds the paper's mean by less is noise
_FAINT = 0.25  # of the level; in a photo, weaker ink is the rest of a shadow or a blurred edge
_SMALL = 24  # pixels of the longer side of the picture that decides between dark and light ink
_AT_EDGE = 0.1  # the weight of what reaches the edge
_DOUBT = 3.0  # times as strong is light ink, as most paper is light
_DARKEST_PAPER = 64.0  # ink on darker paper would be amplified more than fourfold


@dataclass(frozen=True)
class Ink:
    """The ink of a picture.

    strength: float32 (rows, columns), 0 is paper, 1 is black on white.
    level: the strength of the darkest ink.
    faint: what is weaker is no stroke, but may be a printed line. 0 in a drawing, whose edge has one colour.
    factor: pixels of the picture for one of `strength`.
    """

    strength: Strength
    level: float
    faint: float
    factor: float

    @property
    def is_drawn(self) -> bool:
        """Whether this is a drawing or a screenshot: every difference from the paper is ink."""
        return self.faint == 0


def ink_of(picture: Picture, polarity: str, *, side: int, stroke: float) -> Ink:
    """The ink, after division by the light on the paper around it.

    `polarity` as in `Preparation`. `side`: a larger picture is shrunk to it. `stroke`: the widest stroke, as
    a fraction of the picture's longer side. Raises PictureError for an empty sheet.
    """
    from scipy import ndimage

    shrunk = _shrunk(grey(picture), side)
    factor = max(picture.shape[:2]) / max(shrunk.shape)
    noise = _noise(shrunk)
    smooth = shrunk.astype(np.float32)
    if noise > _NOISY:
        smooth = ndimage.gaussian_filter(smooth, min(1.5, 0.7 + noise / 10))
    is_light = polarity == "light" or (polarity == "detect" and _has_light_ink(smooth))
    if is_light:
        smooth = 255 - smooth
    # Closing removes dark strokes that are narrower than its window, and keeps the edges of shadows.
    window = max(3, round(stroke * max(smooth.shape)))
    paper = ndimage.grey_closing(smooth, size=(window, window), mode="nearest")
    depth = paper - smooth
    offset = float(np.median(depth))  # the maxima that closing finds lie above the mean of noisy paper
    spread = 1.4826 * float(np.median(np.abs(depth - offset)))
    depth = np.maximum(depth - offset, 0)
    limit = _SIGMAS * spread
    if depth.max() < max(MIN_CONTRAST, 1.5 * limit):
        raise PictureError("The picture shows an empty sheet: draw a digit on it.")
    light = np.full_like(paper, 255) if is_light else np.maximum(paper, _DARKEST_PAPER)
    strength = np.where(depth > limit, depth / light, 0).astype(np.float32)
    if np.ptp(edge_of(shrunk)) == 0:
        return Ink(strength, float(strength.max()), 0.0, factor)
    level = float(np.percentile(strength[depth >= depth.max() / 2], 90))
    return Ink(strength, level, _FAINT * level, factor)


def edge_of(picture: npt.NDArray[_Value]) -> npt.NDArray[_Value]:
    """The pixels at the edge of a picture."""
    return np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])


def _shrunk(picture: Picture, side: int) -> Picture:
    longest = max(picture.shape)
    if longest <= side:
        return picture
    rows, columns = (max(1, round(length * side / longest)) for length in picture.shape)
    return np.asarray(Image.fromarray(picture).resize((columns, rows), Image.Resampling.BOX))


def _noise(picture: Picture) -> float:
    """The standard deviation of the noise, from the differences of diagonal neighbours."""
    if min(picture.shape) < 3:
        return 0.0
    values = picture.astype(np.int16)
    mixed = values[:-1, :-1] - values[1:, :-1] - values[:-1, 1:] + values[1:, 1:]
    return float(np.median(np.abs(mixed))) / 0.6745 / 2


def _has_light_ink(picture: Strength) -> bool:
    """Whether the ink is lighter than the paper, whose brightness is a median over half the picture."""
    from scipy import ndimage

    small = _shrunk(np.rint(picture).astype(np.uint8), _SMALL).astype(np.float32)
    paper = ndimage.median_filter(small, size=max(small.shape) // 2 * 2 + 1, mode="nearest")
    rows, columns = picture.shape
    across = np.arange(columns) * small.shape[1] // columns
    down = np.arange(rows) * small.shape[0] // rows
    height = picture - paper[down[:, None], across]
    light, dark = (float((np.maximum(side, 0) ** 2).mean()) for side in (height, -height))
    # What reaches the edge is rather a shadow, or light between shadows.
    inside = [_inside(np.maximum(side, 0)) for side in (small - paper, paper - small)]
    return inside[0] + _AT_EDGE * light > _DOUBT * (inside[1] + _AT_EDGE * dark)


def _inside(height: Strength) -> float:
    """The mean square of what does not reach the picture's edge."""
    from scipy import ndimage

    pieces, _ = ndimage.label(height > MIN_CONTRAST / 2, structure=np.ones((3, 3)))
    at_edge = np.unique(edge_of(pieces))
    return float((np.where(np.isin(pieces, at_edge), 0, height) ** 2).mean())
