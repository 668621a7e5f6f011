"""Images and labels as torch takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, from_numpy

PIXEL_SCALE = 1 / 255  # the value of one count of a pixel


def as_input(images: NDArray[np.uint8]) -> Tensor:
    """Images uint8 (N, 28, 28) as models take them: float32 (N, 1, 28, 28), 0 to 1."""
    return from_numpy(images[:, np.newaxis].astype(np.float32) * np.float32(PIXEL_SCALE))


def as_labels(labels: NDArray[Any]) -> Tensor:
    """Labels (N,) as the loss takes them: int64 (N,)."""
    return from_numpy(labels.astype(np.int64))
