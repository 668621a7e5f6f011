"""Puts a picture into the frame that a network takes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from common.limits import check_shape
from pictures.errors import PictureError
from pictures.files import Picture, grey
from pictures.ink import find_ink
from pictures.paper import edge_of
from pictures.preparation import Preparation

Pixels = npt.NDArray[np.uint8]

# MNIST's digits fit into 20 x 20 of 28 x 28 pixels (LeCun, Bottou, Bengio and Haffner, 1998).
_BOX, _FRAME = 20, 28


def prepare(picture: Picture, preparation: Preparation, shape: tuple[int, int, int]) -> Pixels:
    """The pixels that a network of this shape takes: uint8 (channels, rows, columns).

    Raises PictureError if the picture is an empty sheet, UserError if the preparation cannot make the shape.
    """
    check_shape(shape)
    channels, rows, columns = shape
    if preparation.method == "mnist":
        if channels != 1:
            raise PictureError(
                "The preparation 'mnist' makes grey images: choose 'fit' or 'stretch' for RGB."
            )
        return centred(find_ink(picture, preparation.polarity), rows, columns)[None]
    if channels == 1:
        band = grey(picture)
        paper = _paper(band)
        if preparation.polarity == "dark" or (preparation.polarity == "detect" and paper.mean() > 127.5):
            band = 255 - band
        return _resized(band, rows, columns, keep_aspect=preparation.method == "fit")[None]
    colours = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, axis=2)
    framed = _resized(colours, rows, columns, keep_aspect=preparation.method == "fit")
    return np.ascontiguousarray(framed.transpose(2, 0, 1))


def centred(ink: Pixels, rows: int, columns: int) -> Pixels:
    """The ink (0 is paper) scaled into 20/28 of the frame, with its centre of mass in the middle.

    The mean centre of MNIST's 10,000 test images is 13.99 vertically and 14.01 horizontally, counted from 0.
    Raises PictureError if no ink is left after scaling.
    """
    inked = ink > 0
    down, across = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    digit = ink[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
    box = [round(side * _BOX / _FRAME) for side in (rows, columns)]
    factor = min(box[0] / digit.shape[0], box[1] / digit.shape[1])
    height, width = (max(1, round(side * factor)) for side in digit.shape)
    scaled = np.asarray(Image.fromarray(digit).resize((width, height), Image.Resampling.BICUBIC))
    if not scaled.any():
        raise PictureError("The picture shows only small dots far apart: draw one digit on it.")
    # Thin strokes fade when they are scaled down: restore the full brightness.
    full = np.rint(scaled * (255 / scaled.max())).astype(np.uint8)
    top, left = (_offset(full, axis, side) for axis, side in ((0, rows), (1, columns)))
    image = np.zeros((rows, columns), np.uint8)
    image[top : top + height, left : left + width] = full
    return image


def _offset(digit: Pixels, axis: int, side: int) -> int:
    """The first pixel of a digit along an axis that puts its centre of mass into the middle, if it fits."""
    mass = digit.sum(axis=1 - axis, dtype=np.float64)
    centre = float((mass * np.arange(len(mass))).sum() / mass.sum())
    return min(max(round(side / 2 - centre), 0), side - len(mass))


def _paper(picture: Picture) -> npt.NDArray[np.float64]:
    """The median of the picture's edge, for each channel."""
    return np.atleast_1d(np.median(edge_of(picture), axis=0))


def _resized(picture: Picture, rows: int, columns: int, *, keep_aspect: bool) -> Pixels:
    """The whole picture in the frame; what it leaves free gets the colour of the picture's edge."""
    height, width = picture.shape[:2]
    size = (rows, columns)
    if keep_aspect:
        factor = min(rows / height, columns / width)
        size = (max(1, round(height * factor)), max(1, round(width * factor)))
    scaled = np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BICUBIC))
    framed = np.empty((rows, columns, *picture.shape[2:]), np.uint8)
    framed[:] = np.rint(_paper(picture)).astype(np.uint8)
    top, left = (rows - size[0]) // 2, (columns - size[1]) // 2
    framed[top : top + size[0], left : left + size[1]] = scaled
    return framed
