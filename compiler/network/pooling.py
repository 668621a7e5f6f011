"""Pooling: layers without weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from common.errors import UserError
from common.limits import MAX_SIDE
from compiler.network.layer import expect_whole
from compiler.network.tensor import Tensor, positions, times

# The fixed point of an average's reciprocal: 255 << 22 still fits 31 bits.
AVERAGE_SHIFT = 22


@dataclass(frozen=True)
class Pool:
    """A pooling over windows of `size` x `size` pixels, without padding."""

    kind: ClassVar[str]
    padding: ClassVar[int] = 0

    size: int
    stride: int

    def __post_init__(self) -> None:
        expect_whole(self.size, "window", 1, MAX_SIDE)
        expect_whole(self.stride, "stride", 1, MAX_SIDE)

    @property
    def window(self) -> tuple[int, int]:
        return self.size, self.size

    @classmethod
    def decode(cls, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Pool:
        settings: dict[str, Any] = {name: description.get(name) for name in ("size", "stride")}
        return cls(**settings | dict(arrays))

    @property
    def description(self) -> dict[str, Any]:
        return {"kind": self.kind, "size": self.size, "stride": self.stride}

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        return {}

    def output(self, source: Tensor) -> Tensor:
        if len(source.shape) != 3 or source.bytes_each != 1:
            raise UserError(f"it takes pictures of pixels from 0 to 255, and gets {times(source.shape)}")
        sides = positions(source.shape[1:], self.window, self.stride)
        return Tensor((source.shape[0], *sides), source.low, source.high)


class MaxPool2d(Pool):
    """The largest pixel of each window."""

    kind: ClassVar[str] = "maxpool2d"


class AvgPool2d(Pool):
    """The mean of each window: (sum * multiplier + half) >> AVERAGE_SHIFT; the product fits 30 bits."""

    kind: ClassVar[str] = "avgpool2d"

    @property
    def multiplier(self) -> int:
        """2**AVERAGE_SHIFT / pixels in a window, rounded down so that no mean exceeds the largest pixel."""
        return (1 << AVERAGE_SHIFT) // self.size**2
