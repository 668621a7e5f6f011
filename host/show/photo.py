"""A photo with its digits marked: a box and the answer for each."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from common.errors import UserError
from common.files import write_atomically

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}

_SURE, _DOUBTFUL = (0, 130, 60), (200, 60, 0)
_PAPER = (255, 255, 255)


@dataclass(frozen=True)
class Mark:
    """An answer. box: left, top, width and height in the picture's pixels."""

    box: tuple[int, int, int, int]
    text: str
    is_doubtful: bool = False


def check_format(path: Path) -> None:
    """Raises UserError if a picture cannot be written under this name."""
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"{path} has no known format: choose a name that ends in .png or .jpg.")


def write(path: Path, picture: npt.NDArray[np.uint8], marks: Sequence[Mark]) -> None:
    """Writes the picture, grey or RGB, with its marks. Raises UserError if the file cannot be written."""
    check_format(path)
    image = Image.fromarray(picture).convert("RGB")
    draw = ImageDraw.Draw(image)
    line = max(1, round(max(image.size) / 500))
    for mark in marks:
        left, top, width, height = mark.box
        colour = _DOUBTFUL if mark.is_doubtful else _SURE
        edges = (left - line, top - line, left + width + line, top + height + line)
        draw.rectangle(edges, outline=colour, width=line)
        font = ImageFont.load_default(size=max(10, round(max(image.size) / 60)))
        size = draw.textbbox((0, 0), mark.text, font=font)
        at = (edges[0], max(0, edges[1] - size[3] - 2 * line))
        draw.rectangle((*at, at[0] + size[2] + 2 * line, at[1] + size[3] + 2 * line), fill=colour)
        draw.text((at[0] + line, at[1]), mark.text, fill=_PAPER, font=font)
    content = io.BytesIO()
    image.save(content, format=FORMATS[path.suffix.lower()])
    write_atomically(path, content.getvalue())
