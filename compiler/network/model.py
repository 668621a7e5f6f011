"""A trained network in integers: its images, its layers and its classes."""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from common.errors import UserError
from common.limits import check_class_names, check_shape
from compiler.network.layer import Layer
from compiler.network.tensor import Tensor, image
from compiler.network.weighted import Linear
from pictures.preparation import Preparation

# The name becomes a C string, part of a line of the link, and a file name.
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")

# What a model takes and answers unless it says otherwise: MNIST's images and digits.
IMAGE = image((1, 28, 28))
DIGITS = tuple("0123456789")
PREPARATION = Preparation("mnist")


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network in integers.

    logit_scale: real logit = integer logit * logit_scale.
    input: its images, pixels from 0 to 255 of the shape (channels, rows, columns).
    class_names: one for each logit.
    preparation: how a picture becomes such an image.
    metadata: the recipe, the accuracies, checksums of the data; nothing computes with it.
    Raises UserError if images or classes exceed the limits of common/limits.py, layers and shapes do not fit
    together, or a value could overflow.
    """

    name: str
    layers: tuple[Layer, ...]
    logit_scale: float
    metadata: Mapping[str, Any] = field(default_factory=dict)
    input: Tensor = IMAGE
    class_names: tuple[str, ...] = DIGITS
    preparation: Preparation = PREPARATION

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UserError(
                f"the name {self.name[:40]!r} is not a lower-case letter and up to 31 of a-z, 0-9, _ and -"
            )
        if not (math.isfinite(self.logit_scale) and self.logit_scale > 0):
            raise UserError(f"the scale of the logits is {self.logit_scale}, not a positive number")
        if (self.input.low, self.input.high) != (IMAGE.low, IMAGE.high):
            raise UserError(f"its pixels are from {self.input.low} to {self.input.high}, not 0 to 255")
        check_shape(self.input.shape)
        check_class_names(self.class_names)
        last = self.layers[-1] if self.layers else None
        gives_logits = isinstance(last, Linear) and last.requantisation is None
        if not gives_logits or self.tensors[-1].shape != (self.classes,):
            raise UserError(f"the last layer does not give {self.classes} logits")

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """Each layer's output, in order."""
        tensors = [self.input]
        for index, layer in enumerate(self.layers):
            try:
                tensors.append(layer.output(tensors[-1]))
            except UserError as error:
                raise UserError(f"layer {index} ({layer.kind}): {error}") from None
        return tuple(tensors[1:])

    @property
    def checksum(self) -> int:
        """CRC-32 of the layers' descriptions and arrays: of what determines the logits, not of the name."""
        crc = 0
        for layer in self.layers:
            crc = zlib.crc32(json.dumps(layer.description, sort_keys=True).encode(), crc)
            for array in layer.arrays.values():
                crc = zlib.crc32(little_endian(array).tobytes(), crc)
        return crc


def little_endian(array: np.ndarray) -> np.ndarray:
    """The same values in the byte order of a model file, so that every machine writes the same bytes."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
