"""Windows of convolutions: padding on each side, dilation, and the plain kernels that equal them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from training.importing.layers import Array


class Pads(NamedTuple):
    """The zeros around an image: rows above, columns on the left, rows below, columns on the right."""

    top: int
    left: int
    bottom: int
    right: int

    def plus(self, other: Pads) -> Pads:
        """The sum of both on each side."""
        return Pads(*(a + b for a, b in zip(self, other, strict=True)))


NO_PADS = Pads(0, 0, 0, 0)


def same_pads(
    image: Sequence[int], window: Sequence[int], strides: Sequence[int], *, more_at_end: bool
) -> Pads:
    """The pads of auto_pad SAME_UPPER (more at the end) and SAME_LOWER, for (rows, columns)."""
    begins, ends = [], []
    for size, extent, stride in zip(image, window, strides, strict=True):
        total = max((-(-size // stride) - 1) * stride + extent - size, 0)
        small, large = total // 2, total - total // 2
        begins.append(small if more_at_end else large)
        ends.append(large if more_at_end else small)
    return Pads(*begins, *ends)


def dilated(weights: Array, dilations: Sequence[int]) -> Array:
    """The kernel with zeros between its weights that equals a dilated one."""
    *outer, rows, columns = weights.shape
    made = np.zeros((*outer, (rows - 1) * dilations[0] + 1, (columns - 1) * dilations[1] + 1))
    made[..., :: dilations[0], :: dilations[1]] = weights
    return made


def symmetric(weights: Array, pads: Pads) -> tuple[Array, int]:
    """A kernel and one padding for all sides that equal a kernel with these pads.

    The padding is the largest of them. Where the image has less, zeros in the kernel read the difference.
    """
    padding = max(pads)
    fill = [(padding - pads.top, padding - pads.bottom), (padding - pads.left, padding - pads.right)]
    return np.pad(weights, [(0, 0)] * (weights.ndim - 2) + fill), padding
