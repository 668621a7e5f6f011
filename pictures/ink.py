"""Finds the ink of one digit on a sheet."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pictures.errors import PictureError
from pictures.files import Picture
from pictures.lines import strokes
from pictures.paper import Ink, Strength, edge_of, ink_of

_SIDE = 640  # pixels; what is larger is shrunk first
# The widest stroke, as a fraction of the longer side. Some digits that fill the picture are blots of the
# first width; with a narrower one, less of a shadow at the picture's edge is taken for ink.
_STROKES = (0.4, 0.15)
SURE = 0.5  # of the ink's level: darker is a stroke
_SPECK = 0.05  # of the area of the largest piece
_WHOLE = 0.05  # of the area of the largest piece, for one that the picture's edge does not cut off


def find_ink(picture: Picture, polarity: str) -> npt.NDArray[np.uint8]:
    """The strength of the ink of one digit, uint8 (rows, columns), 0 is paper.

    `polarity` as in `Preparation`. Raises PictureError for an empty sheet.
    """
    ink, strength, digit = ink_of_one(picture, polarity)
    return as_bytes(np.where(digit, strength, 0), ink.level)


def as_bytes(strength: Strength, level: float) -> npt.NDArray[np.uint8]:
    """The strength of ink as 0 to 255, which is `level`."""
    return np.asarray(np.rint(np.clip(strength / level, 0, 1) * 255), np.uint8)


def ink_of_one(picture: Picture, polarity: str) -> tuple[Ink, Strength, npt.NDArray[np.bool_]]:
    """The ink of a picture, the same without printed lines, and where the digit is without specks.

    Raises PictureError for an empty sheet.
    """
    for stroke in _STROKES:
        ink = ink_of(picture, polarity, side=_SIDE, stroke=stroke)
        strength, _ = strokes(ink)
        digit, is_cut = _digit(strength, SURE * ink.level)
        if not is_cut:
            break
    if not digit.any():
        raise PictureError("The picture shows an empty sheet: draw a digit on it.")
    return ink, strength, digit


def _digit(strength: Strength, sure: float) -> tuple[npt.NDArray[np.bool_], bool]:
    """Where the pieces of the digit are, and whether the picture's edge cuts any large piece off."""
    from scipy import ndimage

    pieces, count = ndimage.label(strength > 0, structure=np.ones((3, 3)))
    areas = np.bincount(pieces[strength > sure], minlength=count + 1)
    areas[0] = 0
    is_cut = np.zeros(count + 1, bool)
    is_cut[edge_of(pieces)] = True
    # Shadows and things beside the sheet are cut off. A digit may be, in a picture without anything else.
    large = (areas >= _SPECK * areas.max()) & (areas > 0)
    if areas[~is_cut].max(initial=0) >= _WHOLE * areas.max():
        areas[is_cut] = 0
    kept = (areas >= _SPECK * areas.max()) & (areas > 0)
    return kept[pieces], bool((large & is_cut).any())
