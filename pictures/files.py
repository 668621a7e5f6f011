"""Reads PNG and JPEG files."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from pictures.errors import PictureError

MAX_FILE_BYTES = 64 << 20
MAX_PIXELS = 64_000_000  # the largest photos of most phones have 50 million

Picture = npt.NDArray[np.uint8]
"""Grey (rows, columns) or RGB (rows, columns, 3)."""


def read(path: Path) -> Picture:
    """The picture in a PNG or JPEG file, upright, without transparency. Raises PictureError."""
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise PictureError("This is a folder, not a picture.")
        if size > MAX_FILE_BYTES:
            raise PictureError(
                f"The file has {size:,} bytes, and the limit is {MAX_FILE_BYTES:,}: shrink it."
            )
        content = path.read_bytes()
    except FileNotFoundError:
        raise PictureError("The file does not exist: check its name.") from None
    except PermissionError:
        raise PictureError("You have no permission to read the file: change its permissions.") from None
    except (OSError, ValueError) as error:
        raise PictureError(f"The file cannot be read ({error}).") from None
    return decode(content)


def decode(content: bytes) -> Picture:
    """The picture in the bytes of a PNG or JPEG file, as `read`. Raises PictureError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about large pictures, which are refused below
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise PictureError(
                        f"The picture has {image.width} x {image.height} pixels, and the limit is "
                        f"{MAX_PIXELS:,}: shrink it."
                    )
                return _pixels(ImageOps.exif_transpose(image))
    except PictureError:
        raise
    except Image.DecompressionBombError:
        raise PictureError(f"The picture has more than {MAX_PIXELS:,} pixels: shrink it.") from None
    except UnidentifiedImageError:
        raise PictureError("The file is neither a PNG nor a JPEG: save the picture as one of them.") from None
    except Exception:  # Pillow raises many kinds for malformed files
        raise PictureError("The file is damaged or incomplete: save or copy the picture again.") from None


def grey(picture: Picture) -> Picture:
    """The brightness of a picture: uint8 (rows, columns)."""
    return picture if picture.ndim == 2 else np.asarray(Image.fromarray(picture).convert("L"))


def _pixels(image: Image.Image) -> Picture:
    if image.mode.startswith("I"):  # 16 bits of grey, which Pillow's own conversion clips at 255
        return (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
    if image.has_transparency_data:
        return _without_transparency(np.asarray(image.convert("RGBA")))
    if image.mode in ("1", "L"):
        return np.array(image.convert("L"))
    return np.array(image.convert("RGB"))


def _without_transparency(bands: npt.NDArray[np.uint8]) -> Picture:
    """The picture on the paper that transparent pixels show: white under dark ink, black under light ink."""
    brightness = grey(bands[..., :3]).astype(np.float32)
    alpha = bands[..., 3].astype(np.float32) / 255
    paper = 255.0 if (brightness * alpha).sum() < 127.5 * alpha.sum() else 0.0
    mixed = bands[..., :3] * alpha[..., None] + paper * (1 - alpha[..., None])
    return np.rint(mixed).astype(np.uint8)
