"""What a network on the chip may take and answer: the shapes of its images and the names of its classes."""

from __future__ import annotations

from collections.abc import Sequence

from common.errors import UserError

CHANNELS = (1, 3)  # grey, RGB
MIN_SIDE, MAX_SIDE = 4, 64  # rows and columns, in pixels
MAX_IMAGE_BYTES = 4096
MIN_CLASSES, MAX_CLASSES = 2, 64
MAX_NAME_CHARACTERS = 16


def check_shape(shape: Sequence[int]) -> None:
    """Raise UserError if images of this shape (channels, rows, columns) are not supported."""
    if len(shape) != 3:
        raise UserError(f"Images have channels, rows and columns, not the shape {tuple(shape)}.")
    channels, rows, columns = shape
    size = f"{channels} x {rows} x {columns}"
    if channels not in CHANNELS:
        raise UserError(f"Images of {size} have {channels} channels: supported are 1 (grey) and 3 (RGB).")
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in (rows, columns)):
        raise UserError(
            f"Images of {size} are not supported: rows and columns are from {MIN_SIDE} to {MAX_SIDE}."
        )
    if channels * rows * columns > MAX_IMAGE_BYTES:
        raise UserError(
            f"Images of {size} take {channels * rows * columns:,} bytes, "
            f"and the limit is {MAX_IMAGE_BYTES:,}: choose fewer rows and columns."
        )


def check_class_names(names: Sequence[str]) -> None:
    """Raise UserError if these are not the names of a network's classes."""
    if not MIN_CLASSES <= len(names) <= MAX_CLASSES:
        raise UserError(
            f"There are {len(names)} classes, and the limits are {MIN_CLASSES} and {MAX_CLASSES}."
        )
    for name in names:
        if not (0 < len(name) <= MAX_NAME_CHARACTERS and all("!" <= character <= "~" for character in name)):
            raise UserError(
                f"The class name {name[:40]!r} is not supported: use 1 to {MAX_NAME_CHARACTERS} printable "
                "ASCII characters without blanks."
            )
    if len(set(names)) < len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise UserError(f"Two classes have the name {twice!r}: give each another one.")
