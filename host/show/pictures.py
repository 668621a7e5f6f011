"""Reads a picture of a digit and converts it to an image like MNIST's."""

import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from host.errors import PictureError

MAX_FILE_BYTES = 16 << 20
MAX_PIXELS = 16_000_000

_SIZE = 28
_BOX = 20  # MNIST's digits fit into a square of this side and are centred by their mass
_MIN_CONTRAST = 24  # of 255; a smaller difference between paper and ink is an empty sheet
_FAINT = 0.12  # ink below this fraction of the darkest ink counts as paper

Grey = npt.NDArray[np.uint8]


def read_png(path: Path) -> Grey:
    """The digit in a PNG of any size and colour, as an image like MNIST's: uint8 (28, 28), ink 255 on 0.

    The edge of the picture shows the paper; what differs from it is ink, darker or lighter. The ink is cut
    out, scaled to fit 20 x 20 and centred by its centre of mass, as in MNIST (LeCun, Bottou, Bengio and
    Haffner, 1998). Raises `PictureError`.
    """
    image = _like_mnist(_ink(_read_grey(path), path))
    if image is None:
        raise PictureError(f"{path} shows only small dots far apart: draw one digit on it.")
    return image


def _read_grey(path: Path) -> Grey:
    """The picture's brightness, uint8 (rows, columns). Checks the size before decoding."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise PictureError(
                f"{path} has {size} bytes, more than the limit of {MAX_FILE_BYTES}: shrink it."
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about large pictures, which are refused below
            with Image.open(path, formats=("PNG",)) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise PictureError(
                        f"{path} has {picture.width} x {picture.height} pixels, more than the limit of "
                        f"{MAX_PIXELS}: shrink it."
                    )
                return _grey(picture)
    except PictureError:
        raise
    except FileNotFoundError as error:
        raise PictureError(f"The picture {path} does not exist: check its name.") from error
    except Image.DecompressionBombError as error:
        raise PictureError(f"{path} has more pixels than the limit of {MAX_PIXELS}: shrink it.") from error
    except PermissionError as error:
        raise PictureError(f"You have no permission to read {path}: change its permissions.") from error
    except Exception as error:  # Pillow raises many kinds for malformed files
        raise PictureError(f"{path} cannot be read as a PNG: save the picture as a PNG again.") from error


def _grey(picture: Image.Image) -> Grey:
    if picture.mode.startswith("I"):  # 16 bits of grey, which Pillow's own conversion clips at 255
        return (np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
    if not picture.has_transparency_data:
        return np.asarray(picture.convert("L"))
    bands = np.asarray(picture.convert("LA")).astype(np.float32)
    brightness, alpha = bands[..., 0], bands[..., 1] / 255
    # Transparent pixels are paper: white under dark ink, black under light ink.
    paper = 255 if (brightness * alpha).sum() < 127.5 * alpha.sum() else 0
    return np.rint(brightness * alpha + paper * (1 - alpha)).astype(np.uint8)


def _ink(grey: Grey, path: Path) -> Grey:
    """The distance of each pixel from the paper's brightness, in the direction of the ink; paper is 0."""
    edge = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    paper = int(np.median(edge))
    darker, lighter = paper - int(grey.min()), int(grey.max()) - paper
    if max(darker, lighter) < _MIN_CONTRAST:
        raise PictureError(f"{path} shows an empty sheet: draw a digit on it.")
    distance = grey.astype(np.int16) - paper
    return np.clip(distance if lighter > darker else -distance, 0, 255).astype(np.uint8)


def _like_mnist(ink: Grey) -> Grey | None:
    """The ink as an image like MNIST's; None if no ink is left after scaling."""
    inked = ink > ink.max() * _FAINT
    rows, cols = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    digit = ink[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    factor = _BOX / max(digit.shape)
    height, width = (max(1, round(side * factor)) for side in digit.shape)
    scaled = np.asarray(Image.fromarray(digit).resize((width, height), Image.Resampling.BICUBIC))
    if not scaled.any():
        return None
    # Thin strokes fade when they are scaled down: restore the full brightness.
    full = np.rint(scaled * (255 / scaled.max())).astype(np.uint8)
    top, left = (_offset(full, axis) for axis in (0, 1))
    image = np.zeros((_SIZE, _SIZE), np.uint8)
    image[top : top + height, left : left + width] = full
    return image


def _offset(digit: Grey, axis: int) -> int:
    """The first pixel of a digit along an axis that puts its centre of mass on pixel 14, if the digit fits.

    The mean over MNIST's 10,000 test images is 13.99 vertically and 14.01 horizontally, counted from 0.
    """
    mass = digit.sum(axis=1 - axis, dtype=np.float64)
    centre = float((mass * np.arange(len(mass))).sum() / mass.sum())
    return min(max(round(_SIZE / 2 - centre), 0), _SIZE - len(mass))
