"""Images and labels as torch takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, from_numpy

PIXEL_SCALE = 1 / 255  # the value of one count of a pixel


def as_input(images: NDArray[np.uint8]) -> Tensor:
    """Images uint8 (N, channels, rows, columns) as models take them: float32, 0 to 1."""
    return from_numpy(images.astype(np.float32) * np.float32(PIXEL_SCALE))


def as_labels(labels: NDArray[Any]) -> Tensor:
    """Labels (N,) as the loss takes them: int64 (N,)."""
    return from_numpy(labels.astype(np.int64))
