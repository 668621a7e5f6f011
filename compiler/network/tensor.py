"""The values between two layers, and the arithmetic of their shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from common.errors import UserError

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1


@dataclass(frozen=True)
class Tensor:
    """The values between two layers: their shape, and the smallest and largest integer among them."""

    shape: tuple[int, ...]
    low: int
    high: int

    @property
    def count(self) -> int:
        """The number of values."""
        return math.prod(self.shape)

    @property
    def bytes_each(self) -> int:
        """1 if every value fits uint8, else 4 (int32)."""
        return 1 if self.low >= 0 and self.high <= 255 else 4

    @property
    def bytes(self) -> int:
        """The size in bytes."""
        return self.count * self.bytes_each


def image(shape: Sequence[int]) -> Tensor:
    """The pixels of images of this shape: (channels, rows, columns)."""
    return Tensor(tuple(shape), 0, 255)


def positions(picture: Sequence[int], window: Sequence[int], stride: int) -> list[int]:
    """The number of positions of a window in a picture, in rows and in columns. Raises UserError if none."""
    if any(size < extent for size, extent in zip(picture, window, strict=True)):
        raise UserError(f"its window of {times(window)} is larger than the picture of {times(picture)}")
    return [(size - extent) // stride + 1 for size, extent in zip(picture, window, strict=True)]


def times(shape: Sequence[int]) -> str:
    """A shape for an error's sentence: 3x32x32."""
    return "x".join(map(str, shape))
