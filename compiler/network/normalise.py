"""Local normalisation of a grey image: even, black paper, and ink that reaches 255."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from common.errors import UserError
from compiler.network.layer import expect_whole
from compiler.network.tensor import Tensor, times

CELL = 4  # pixels of a side of the cells whose paper is estimated

# The share of an image's pixels that become 255 is one of this number: 16 pixels of 28 x 28.
BRIGHTEST_SHARE = 49


@dataclass(frozen=True)
class Normalise:
    """Subtracts the paper, which may be grey, uneven and in half shadow, and stretches what is left to 255.

    `_normalise` in compiler/reference.py defines each step.

    span: the smallest brightness above the paper that is stretched to 255, so that the noise of an empty
    sheet stays faint.
    """

    kind: ClassVar[str] = "normalise"
    window: ClassVar[None] = None
    stride: ClassVar[int] = 1
    padding: ClassVar[int] = 0

    span: int = 48

    def __post_init__(self) -> None:
        expect_whole(self.span, "span", 1, 255)

    @classmethod
    def decode(cls, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Normalise:
        span: Any = description.get("span")
        return cls(**{"span": span} | dict(arrays))

    @property
    def description(self) -> dict[str, Any]:
        return {"kind": self.kind, "span": self.span}

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        return {}

    def output(self, source: Tensor) -> Tensor:
        if len(source.shape) != 3 or source.shape[0] != 1 or source.bytes_each != 1:
            raise UserError(f"it takes one channel of pixels from 0 to 255, and gets {times(source.shape)}")
        if min(source.shape[1:]) < CELL:
            raise UserError(f"it takes images of at least {CELL} rows and columns, not {times(source.shape)}")
        return Tensor(source.shape, 0, 255)


def rank(source: Tensor) -> int:
    """The brightest pixel becomes 255, the second-brightest too, up to the pixel with this number."""
    return max(1, source.count // BRIGHTEST_SHARE)
