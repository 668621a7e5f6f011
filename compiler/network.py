"""A trained network in integers: its layers, their shapes, and the range of every value.

Activations are uint8 in planar order: channel, row, column. Constructors check their arguments and raise
UserError, so a Model that exists is one the chip can compute without overflow.

To add a kind of layer, write a dataclass like those below and enter it in LAYERS.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np

from common.errors import UserError
from data.mnist import CLASSES, COLS, ROWS

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1

# The fixed point of an average's reciprocal: 255 << 22 still fits 31 bits.
AVERAGE_SHIFT = 22

# The name becomes a C string, part of a line of the link, and a file name.
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


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


IMAGE = Tensor((1, ROWS, COLS), 0, 255)


class Layer(Protocol):
    """One layer in integers."""

    kind: ClassVar[str]

    @property
    def window(self) -> tuple[int, int] | None:
        """Rows and columns of the input that one output depends on; None if it depends on the whole input."""

    @property
    def stride(self) -> int:
        """Rows, and columns, between two positions of the window."""

    @property
    def padding(self) -> int:
        """Rows, and columns, of zeros around the input."""

    @property
    def description(self) -> dict[str, Any]:
        """The layer's kind and sizes, as the JSON of a model file holds them."""

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays of a model file, by name."""

    @classmethod
    def decode(cls, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Layer:
        """Make the layer from its description and arrays.

        Raises UserError if they are not usable, TypeError if an array is missing or unknown.
        """

    def output(self, source: Tensor) -> Tensor:
        """The output for an input. Raises UserError if the input does not fit or a value could overflow."""


@dataclass(frozen=True, eq=False)
class Requantisation:
    """From int32 accumulators to activations, ReLU included, with one 32-bit multiplication.

    activation = clamp((accumulator * multiplier[output] + (1 << (shift - 1))) >> shift, 0, maximum)

    multiplier: int16 (outputs,), positive. So a larger accumulator never gives a smaller activation, and max
    pooling gives the same bits before and after.
    """

    multiplier: np.ndarray
    shift: int
    maximum: int

    def __post_init__(self) -> None:
        _expect(self.multiplier, "multipliers", np.int16, 1)
        if self.multiplier.min() < 1:
            raise UserError("it has a multiplier that is not positive")
        _expect_whole(self.shift, "shift", 1, 30)
        _expect_whole(self.maximum, "largest activation", 1, 255)

    def check(self, low: np.ndarray, high: np.ndarray) -> None:
        """Raise UserError if an accumulator from low to high, int64 (outputs,), could overflow 32 bits."""
        half = 1 << (self.shift - 1)
        lowest, highest = (low * self.multiplier + half).min(), (high * self.multiplier + half).max()
        if lowest < INT32_MIN or highest > INT32_MAX:
            raise UserError(f"its requantisation could reach {lowest} to {highest} and overflow 32 bits")


@dataclass(frozen=True, eq=False)
class Weighted:
    """A layer with weights: int32 accumulators = weights * (input >> input_shift) + bias.

    weights: int8 (outputs, ...), each of `weight_bits` bits: 8, or 4 (-7 to 7), or 2 (-1 to 1).
    bias: int32 (outputs,). Without a requantisation the output is the accumulators.
    """

    kind: ClassVar[str]
    dimensions: ClassVar[int]  # of the weights

    weights: np.ndarray
    bias: np.ndarray
    requantisation: Requantisation | None = None
    weight_bits: int = 8
    input_shift: int = 0

    def __post_init__(self) -> None:
        _expect(self.weights, "weights", np.int8, self.dimensions)
        _expect(self.bias, "bias", np.int32, 1)
        outputs = self.weights.shape[:1]
        if 0 in self.weights.shape or self.bias.shape != outputs:
            raise UserError(
                f"weights of shape {self.weights.shape} and a bias of shape {self.bias.shape} "
                "do not belong together"
            )
        if self.requantisation and self.requantisation.multiplier.shape != outputs:
            raise UserError(
                f"it has {outputs[0]} outputs and {len(self.requantisation.multiplier)} multipliers"
            )
        if type(self.weight_bits) is not int or self.weight_bits not in (2, 4, 8):
            raise UserError(f"it has weights of {str(self.weight_bits)[:40]} bits, not of 8, 4 or 2")
        largest = 2 ** (self.weight_bits - 1) - 1
        if self.weight_bits < 8 and np.abs(self.weights.astype(np.int16)).max() > largest:
            raise UserError(f"it has weights that do not fit {self.weight_bits} bits")
        _expect_whole(self.input_shift, "input shift", 0, 7)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        arrays = {"weights": self.weights, "bias": self.bias}
        if self.requantisation:
            arrays["multiplier"] = self.requantisation.multiplier
        return arrays

    @property
    def options(self) -> dict[str, Any]:
        """The fields of the description that all these layers share; a default is left out."""
        options: dict[str, Any] = {}
        if self.requantisation:
            options |= {"shift": self.requantisation.shift, "maximum": self.requantisation.maximum}
        if self.weight_bits != 8:
            options["weight_bits"] = self.weight_bits
        if self.input_shift:
            options["input_shift"] = self.input_shift
        return options

    @staticmethod
    def arguments(description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """The constructor's arguments that all these layers share. Raises like decode()."""
        arguments: dict[str, Any] = dict(arrays)
        if "multiplier" in arguments:
            shift: Any = description.get("shift")
            maximum: Any = description.get("maximum")
            arguments["requantisation"] = Requantisation(arguments.pop("multiplier"), shift, maximum)
        if arguments.keys() - {"weights", "bias", "requantisation"}:
            raise TypeError("an array of another name")
        options = ("weight_bits", "input_shift")
        return arguments | {name: description[name] for name in options if name in description}

    def largest_input(self, source: Tensor) -> int:
        """The largest value that is multiplied. Raises UserError if the input is not uint8."""
        if source.bytes_each != 1:
            raise UserError(
                f"it takes values from 0 to 255, and gets {source.low} to {source.high}; "
                "only the last layer may give its accumulators"
            )
        return source.high >> self.input_shift

    def accumulators(self, source: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """The smallest and largest partial sum of each output, in any order of the terms: int64 (outputs,).

        Raises UserError if one could overflow 32 bits.
        """
        # All terms of one sign and none of the other: every partial sum, in any order, lies between.
        largest = self.largest_input(source)
        weights, bias = self.weights.astype(np.int64).reshape(len(self.bias), -1), self.bias.astype(np.int64)
        high = np.maximum(bias, 0) + largest * np.maximum(weights, 0).sum(axis=1)
        low = np.minimum(bias, 0) + largest * np.minimum(weights, 0).sum(axis=1)
        if low.min() < INT32_MIN or high.max() > INT32_MAX:
            raise UserError(f"its accumulators could reach {low.min()} to {high.max()} and overflow 32 bits")
        return low, high

    def result(self, shape: tuple[int, ...], source: Tensor) -> Tensor:
        """The output, of that shape. Raises UserError if a value could overflow."""
        low, high = self.accumulators(source)
        if self.requantisation is None:
            return Tensor(shape, int(low.min()), int(high.max()))
        self.requantisation.check(low, high)
        return Tensor(shape, 0, self.requantisation.maximum)


@dataclass(frozen=True, eq=False)
class Linear(Weighted):
    """A fully connected layer; weights (outputs, inputs). The input is flattened in row order."""

    kind: ClassVar[str] = "linear"
    dimensions: ClassVar[int] = 2
    window: ClassVar[None] = None
    stride: ClassVar[int] = 1
    padding: ClassVar[int] = 0

    @classmethod
    def decode(cls, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Linear:
        return cls(**cls.arguments(description, arrays))

    @property
    def description(self) -> dict[str, Any]:
        outputs, inputs = self.weights.shape
        return {"kind": self.kind, "inputs": inputs, "outputs": outputs} | self.options

    def output(self, source: Tensor) -> Tensor:
        outputs, inputs = self.weights.shape
        self.largest_input(source)
        if source.count != inputs:
            raise UserError(f"it has {inputs} inputs, and gets {source.count} values")
        return self.result((outputs,), source)


@dataclass(frozen=True, eq=False)
class Conv2d(Weighted):
    """A convolution, always requantised; weights (outputs, channels / groups, kernel rows, kernel columns).

    Depthwise if groups = channels. Stride and padding are the same in rows and columns.
    """

    kind: ClassVar[str] = "conv2d"
    dimensions: ClassVar[int] = 4

    stride: int = 1
    padding: int = 0
    groups: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.requantisation is None:
            raise UserError("a convolution's accumulators are not requantised")
        _expect_whole(self.stride, "stride", 1, max(ROWS, COLS))
        _expect_whole(self.padding, "padding", 0, min(self.weights.shape[2:]) - 1)
        _expect_whole(self.groups, "number of groups", 1, len(self.bias))
        if len(self.bias) % self.groups:
            raise UserError(f"its {len(self.bias)} outputs do not split into {self.groups} groups")

    @property
    def window(self) -> tuple[int, int]:
        _, _, rows, columns = self.weights.shape
        return rows, columns

    @classmethod
    def decode(cls, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Conv2d:
        own: dict[str, Any] = {name: description.get(name) for name in ("stride", "padding", "groups")}
        return cls(**cls.arguments(description, arrays), **own)

    @property
    def description(self) -> dict[str, Any]:
        outputs, channels, rows, columns = self.weights.shape
        return {
            "kind": self.kind,
            "channels": channels * self.groups,
            "outputs": outputs,
            "kernel": [rows, columns],
            "stride": self.stride,
            "padding": self.padding,
            "groups": self.groups,
        } | self.options

    def output(self, source: Tensor) -> Tensor:
        outputs, channels, *_ = self.weights.shape
        self.largest_input(source)
        if len(source.shape) != 3 or source.shape[0] != channels * self.groups:
            raise UserError(
                f"it takes pictures of {channels * self.groups} channels, and gets {_times(source.shape)}"
            )
        padded = [size + 2 * self.padding for size in source.shape[1:]]
        return self.result((outputs, *_positions(padded, self.window, self.stride)), source)


@dataclass(frozen=True)
class Pool:
    """A pooling over windows of `size` x `size` pixels, without padding."""

    kind: ClassVar[str]
    padding: ClassVar[int] = 0

    size: int
    stride: int

    def __post_init__(self) -> None:
        _expect_whole(self.size, "window", 1, max(ROWS, COLS))
        _expect_whole(self.stride, "stride", 1, max(ROWS, COLS))

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
            raise UserError(f"it takes pictures of pixels from 0 to 255, and gets {_times(source.shape)}")
        positions = _positions(source.shape[1:], self.window, self.stride)
        return Tensor((source.shape[0], *positions), source.low, source.high)


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


LAYERS: dict[str, type[Layer]] = {layer.kind: layer for layer in (Linear, Conv2d, MaxPool2d, AvgPool2d)}


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network in integers.

    logit_scale: real logit = integer logit * logit_scale.
    metadata: the recipe, the accuracies, checksums of the data; nothing computes with it.
    Raises UserError if layers and shapes do not fit together or a value could overflow.
    """

    name: str
    layers: tuple[Layer, ...]
    logit_scale: float
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UserError(
                f"the name {self.name[:40]!r} is not a lower-case letter and up to 31 of a-z, 0-9, _ and -"
            )
        if not (math.isfinite(self.logit_scale) and self.logit_scale > 0):
            raise UserError(f"the scale of the logits is {self.logit_scale}, not a positive number")
        last = self.layers[-1] if self.layers else None
        gives_logits = isinstance(last, Linear) and last.requantisation is None
        if not gives_logits or self.tensors[-1].shape != (CLASSES,):
            raise UserError(f"the last layer does not give {CLASSES} logits")

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """Each layer's output, in order."""
        tensors = [IMAGE]
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


def _expect(array: np.ndarray, name: str, dtype: type, dimensions: int) -> None:
    if array.dtype != dtype or array.ndim != dimensions:
        raise UserError(
            f"its {name} are {array.dtype} of {array.ndim} dimensions, not {np.dtype(dtype)} of {dimensions}"
        )


def _expect_whole(value: Any, name: str, lowest: int, highest: int) -> None:
    if type(value) is not int or not lowest <= value <= highest:
        allowed = f"{lowest} to {highest}" if lowest < highest else f"{lowest}"
        raise UserError(f"its {name} is {str(value)[:40]}, not {allowed}")


def _positions(picture: Sequence[int], window: Sequence[int], stride: int) -> list[int]:
    """The number of positions of a window in a picture, in rows and in columns."""
    if any(size < extent for size, extent in zip(picture, window, strict=True)):
        raise UserError(f"its window of {_times(window)} is larger than the picture of {_times(picture)}")
    return [(size - extent) // stride + 1 for size, extent in zip(picture, window, strict=True)]


def _times(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def little_endian(array: np.ndarray) -> np.ndarray:
    """The same values in the byte order of a model file, so that every machine writes the same bytes."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
