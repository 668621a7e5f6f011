"""Finds the ink of one digit on a sheet."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pictures.errors import PictureError

_MIN_CONTRAST = 24  # of 255; a smaller difference between paper and ink is an empty sheet
_FAINT = 0.03  # ink below this fraction of the darkest ink counts as paper

Ink = npt.NDArray[np.uint8]


def find_ink(grey: npt.NDArray[np.uint8], polarity: str) -> Ink:
    """The distance of each pixel from the paper's brightness, in the direction of the ink; paper is 0.

    The edge of the picture shows the paper. `polarity` as in `Preparation`. Raises PictureError for an empty
    sheet.
    """
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = int(np.median(edge))
    darker, lighter = paper - int(grey.min()), int(grey.max()) - paper
    is_light = polarity == "light" or (polarity == "detect" and lighter > darker)
    if (lighter if is_light else darker) < _MIN_CONTRAST:
        raise PictureError("The picture shows an empty sheet: draw a digit on it.")
    distance = grey.astype(np.int16) - paper
    ink = np.clip(distance if is_light else -distance, 0, 255).astype(np.uint8)
    ink[ink <= ink.max() * _FAINT] = 0
    return ink
