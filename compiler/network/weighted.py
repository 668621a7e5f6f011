"""Layers with weights: fully connected ones and convolutions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from common.errors import UserError
from common.limits import MAX_SIDE
from compiler.network.layer import expect_array, expect_whole
from compiler.network.tensor import INT32_MAX, INT32_MIN, Tensor, positions, times

# Rows are counted in bytes on the chip. Only padding makes pictures larger than images.
_MAX_SIDE = 255


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
        expect_array(self.multiplier, "multipliers", np.int16, 1)
        if self.multiplier.min() < 1:
            raise UserError("it has a multiplier that is not positive")
        expect_whole(self.shift, "shift", 1, 30)
        expect_whole(self.maximum, "largest activation", 1, 255)

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
        expect_array(self.weights, "weights", np.int8, self.dimensions)
        expect_array(self.bias, "bias", np.int32, 1)
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
        expect_whole(self.input_shift, "input shift", 0, 7)

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
        expect_whole(self.stride, "stride", 1, MAX_SIDE)
        expect_whole(self.padding, "padding", 0, min(self.weights.shape[2:]) - 1)
        expect_whole(self.groups, "number of groups", 1, len(self.bias))
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
                f"it takes pictures of {channels * self.groups} channels, and gets {times(source.shape)}"
            )
        padded = [size + 2 * self.padding for size in source.shape[1:]]
        sides = positions(padded, self.window, self.stride)
        if max(sides) > _MAX_SIDE:
            raise UserError(f"its output of {times(sides)} has more than {_MAX_SIDE} rows or columns")
        return self.result((outputs, *sides), source)
