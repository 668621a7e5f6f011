"""Finds the digits on a photo of a sheet, in the order of reading."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pictures.errors import PictureError
from pictures.files import Picture
from pictures.ink import SURE, as_bytes, ink_of_one
from pictures.lines import strokes
from pictures.paper import Ink, Strength, ink_of

Box = tuple[int, int, int, int]
"""Left, top, width and height, in pixels of the picture."""

_SIDE = 1600  # pixels; what is larger is shrunk first
_STROKE = 0.1  # of the longer side: the widest stroke
_LARGE = 0.2  # of the longer side: the height of a large digit
_HUGE = 0.4  # of the longer side: the height of large digits, if there are several
_SPECK = 0.2  # of the typical height; what is smaller both ways is no digit
_HALF = 0.4  # of the typical height; a smaller piece belongs to a digit beside it
_NEAR = 0.3  # of the typical height, between a piece and its digit
_WIDE = 1.3  # times as wide as high, and as the typical height, is more than one digit, or none
_WIDEST = 1.7  # times the typical height is no digit
_TALL = 1.9  # times the typical height is no digit
_SAME_LINE = 0.65  # of the typical height, between the middles of two digits of a line
_FEWEST = 3  # neighbours that show the slope of the writing
_SMALL = 0.65  # of the typical height; what is smaller both ways is a part of a digit
_GAP = 0.75  # of the typical height; a wider gap is a blank


@dataclass(frozen=True)
class Digit:
    """Something on a sheet that may be a digit.

    ink: its strength, uint8 (rows, columns). doubt: why it does not look like one digit, '' if it does.
    """

    box: Box
    ink: npt.NDArray[np.uint8]
    doubt: str = ""


@dataclass(frozen=True)
class Sheet:
    """Lines from top to bottom, digits from left to right. blanks: before which digits of each line."""

    lines: tuple[tuple[Digit, ...], ...]
    blanks: tuple[frozenset[int], ...]

    def text(self, names: list[str]) -> str:
        """The sheet as text, with the given answers to its digits in the order of reading."""
        answers = iter(names)
        return "\n".join(
            "".join(f"{' ' if index in blanks else ''}{next(answers)}" for index in range(len(line)))
            for line, blanks in zip(self.lines, self.blanks, strict=True)
        )

    @property
    def digits(self) -> list[Digit]:
        """All of them in the order of reading."""
        return [digit for line in self.lines for digit in line]


@dataclass
class _Piece:
    """Connected ink, or several such pieces that belong together: their labels and their box."""

    labels: list[int]
    top: int
    left: int
    bottom: int
    right: int
    area: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def centre(self) -> float:
        return (self.left + self.right) / 2

    def level(self, slope: float) -> float:
        """The height on the sheet, whose lines have this slope in the picture."""
        return self.middle - slope * self.centre

    def joined(self, other: _Piece) -> _Piece:
        return _Piece(
            self.labels + other.labels,
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
            self.area + other.area,
        )


def find_digits(picture: Picture, polarity: str) -> Sheet:
    """The digits on a sheet. `polarity` as in `Preparation`. Raises PictureError for an empty sheet."""
    ink, strength, digit = ink_of_one(picture, polarity)
    tilt = 0.0
    labels, pieces = _pieces(np.where(digit, strength, np.float32(0)), SURE * ink.level, may_be_cut=True)
    pieces, typical = _without_specks(pieces)
    size = typical / max(strength.shape)
    if size < _LARGE or (size < _HUGE and len(_whole_digits(pieces, typical)) > 1):
        # The digits are small, so a picture with more pixels and a finer view of the light shows them better.
        ink = ink_of(picture, polarity, side=_SIDE, stroke=_STROKE)
        strength, tilt = strokes(ink)
        labels, pieces = _pieces(strength, SURE * ink.level)
        pieces, typical = _without_specks(pieces)
    if not pieces:
        raise PictureError("The picture shows an empty sheet: write digits on it.")
    digits, blanks = [], []
    for line in _in_lines(_whole_digits(pieces, typical), typical, tilt):
        digits.append(tuple(_digit(piece, labels, strength, ink, typical) for piece in line))
        gaps = [after.left - before.right for before, after in pairwise(line)]
        blanks.append(frozenset(index + 1 for index, gap in enumerate(gaps) if gap > _GAP * typical))
    return Sheet(tuple(digits), tuple(blanks))


def _pieces(
    strength: Strength, sure: float, *, may_be_cut: bool = False
) -> tuple[npt.NDArray[np.int32], list[_Piece]]:
    """Labels of connected ink, and the pieces with strokes, by default those that no edge cuts off."""
    from scipy import ndimage

    labels, count = ndimage.label(strength > 0, structure=np.ones((3, 3)))
    areas = np.bincount(labels[strength > sure], minlength=count + 1)
    rows, columns = strength.shape
    pieces = []
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        down, across = box
        is_cut = down.start == 0 or across.start == 0 or down.stop == rows or across.stop == columns
        if areas[label] and (may_be_cut or not is_cut):
            pieces.append(
                _Piece([label], down.start, across.start, down.stop, across.stop, int(areas[label]))
            )
    return labels, pieces


def _without_specks(pieces: list[_Piece]) -> tuple[list[_Piece], float]:
    """The pieces that are large enough to be strokes, and the typical height of a digit.

    That is the height above which half of the ink's area lies.
    """
    if not pieces:
        return [], 0.0
    ordered = sorted(pieces, key=lambda piece: piece.height)
    total = np.cumsum([piece.area for piece in ordered])
    typical = float(ordered[int(np.searchsorted(total, total[-1] / 2))].height)
    return [piece for piece in pieces if max(piece.height, piece.width) >= _SPECK * typical], typical


def _whole_digits(pieces: list[_Piece], typical: float) -> list[_Piece]:
    """The pieces with those that belong together joined: the bar of a 5, a broken stroke."""
    merged = sorted(pieces, key=lambda piece: -piece.area)
    changed = True
    while changed:
        changed = False
        for first in range(len(merged)):
            for second in range(first + 1, len(merged)):
                if _belong_together(merged[first], merged[second], typical):
                    merged[first] = merged[first].joined(merged.pop(second))
                    changed = True
                    break
            if changed:
                break
    return [piece for piece in merged if piece.height >= _HALF * typical or piece.width >= _HALF * typical]


def _belong_together(one: _Piece, other: _Piece, typical: float) -> bool:
    both = one.joined(other)
    if both.height > 1.5 * typical or both.width > 1.5 * typical:
        return False
    across = min(one.right, other.right) - max(one.left, other.left)  # negative: the gap between them
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    smaller, larger = sorted((one, other), key=lambda piece: piece.area)
    higher = max(one.height, other.height)
    if across >= 0.5 * min(one.width, other.width) and down > -_NEAR * typical:
        # One above the other, of which one is no whole digit.
        return min(one.height, other.height) < 0.7 * typical
    if higher < 0.65 * typical and both.height > 1.3 * higher and both.width < 1.1 * typical:
        # Two halves of a broken digit.
        return min(across, down) > -0.25 * typical
    if smaller.height < 0.3 * typical and smaller.middle < larger.middle and smaller.centre > larger.centre:
        # The bar of a 5.
        return across > -_NEAR * typical and down > -_NEAR * typical
    is_part = smaller.height < 0.55 * typical and smaller.area < 0.4 * larger.area
    return is_part and across > -0.12 * typical and down > -0.12 * typical


def _in_lines(pieces: list[_Piece], typical: float, tilt: float) -> list[list[_Piece]]:
    """The pieces in lines, from top to bottom and from left to right.

    `tilt`, in degrees, is that of printed lines; 0 if there are none: then that of the writing is estimated.
    """
    ordered = sorted(pieces, key=lambda piece: piece.left)
    slope = float(np.tan(np.deg2rad(tilt))) if tilt else _slope(ordered, typical)
    lines: list[list[_Piece]] = []
    for piece in ordered:
        heights = [float(np.mean([each.level(slope) for each in line[-3:]])) for line in lines]
        distances = [abs(height - piece.level(slope)) for height in heights]
        if distances and min(distances) < _SAME_LINE * typical:
            lines[int(np.argmin(distances))].append(piece)
        else:
            lines.append([piece])
    return sorted(lines, key=lambda line: float(np.mean([each.level(slope) for each in line])))


def _slope(ordered: list[_Piece], typical: float) -> float:
    """The slope of the writing: the median over neighbours. 0 if there are too few."""
    slopes = []
    narrow = [piece for piece in ordered if piece.width < _WIDEST * typical]
    for index, piece in enumerate(narrow):
        for other in narrow[index + 1 :]:
            run, rise = other.centre - piece.centre, other.middle - piece.middle
            if 0.5 * typical < run < 3 * typical and abs(rise) < 0.7 * typical:
                slopes.append(rise / run)
    return float(np.median(slopes)) if len(slopes) >= _FEWEST else 0.0


def _digit(
    piece: _Piece, labels: npt.NDArray[np.int32], strength: Strength, ink: Ink, typical: float
) -> Digit:
    rows, columns = slice(piece.top, piece.bottom), slice(piece.left, piece.right)
    own = np.isin(labels[rows, columns], piece.labels)
    pixels = as_bytes(np.where(own, strength[rows, columns], np.float32(0)), ink.level)
    doubt = ""
    if piece.width > _WIDE * max(piece.height, typical) or piece.width > _WIDEST * typical:
        doubt = "wider than a digit"
    elif piece.height > _TALL * typical:
        doubt = "higher than the other digits"
    elif max(piece.height, piece.width) < _SMALL * typical:
        doubt = "smaller than the other digits"
    left, top, width, height = (
        round(each * ink.factor) for each in (piece.left, piece.top, piece.width, piece.height)
    )
    return Digit((left, top, width, height), pixels, doubt)
