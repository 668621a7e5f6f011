"""What each operator of a graph does to the layers. A new operator is one function with `operator`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from collections.abc import Sequence as Items
from dataclasses import dataclass
from typing import Any

import numpy as np

from common.errors import UserError
from training.importing.graph import Node
from training.importing.layers import Array, Convolution, Pool
from training.importing.sequence import Sequence
from training.importing.windows import NO_PADS, Pads, dilated, same_pads, symmetric


@dataclass(frozen=True)
class Call:
    """A node with its constant inputs."""

    node: Node
    constants: Mapping[str, np.ndarray]

    @property
    def name(self) -> str:
        """The node's name in errors."""
        return self.node.name

    def constant(self, index: int) -> np.ndarray | None:
        """A constant input, or None if it is left out. Raises UserError if it is not constant."""
        name = self.node.inputs[index] if index < len(self.node.inputs) else ""
        if name and name not in self.constants:
            raise UserError(f"its input {name!r} is not constant")
        return self.constants[name] if name else None

    def weights(self, index: int) -> Array:
        """A constant input in double precision. Raises UserError if it is not given."""
        value = self.constant(index)
        if value is None:
            raise UserError(f"its input {index} is missing")
        return value.astype(np.float64)

    def option(self, name: str, default: Any) -> Any:
        """An attribute."""
        return self.node.attributes.get(name, default)

    def setting(self, index: int, name: str) -> Any:
        """An input that was an attribute in older operator sets, or None."""
        value = self.constant(index)
        return self.node.attributes.get(name) if value is None else value.tolist()

    def text(self, name: str, default: str) -> str:
        """An attribute that is text."""
        value = self.option(name, default)
        return value.decode() if isinstance(value, bytes) else value


Apply = Callable[[Sequence, Call], None]
OPERATORS: dict[str, Apply] = {}

# The operators that may stand between a Pad and the convolution that it belongs to.
TAKE_PADS = ("Conv", "Transpose", "Identity", "Cast", "Pad")


def operator(*names: str) -> Callable[[Apply], Apply]:
    """Register the function that applies these operators."""

    def register(apply: Apply) -> Apply:
        OPERATORS.update(dict.fromkeys(names, apply))
        return apply

    return register


@operator("Identity", "Dropout", "Cast")
def _identity(sequence: Sequence, call: Call) -> None:
    """Nothing: training has ended, and all numbers are real."""


@operator("Transpose")
def _transpose(sequence: Sequence, call: Call) -> None:
    sequence.rearrange(sequence.order.transpose(call.option("perm", None)))


@operator("Reshape")
def _reshape(sequence: Sequence, call: Call) -> None:
    sizes = call.weights(1).astype(int).tolist()
    if not call.option("allowzero", 0):
        sizes = [size or sequence.order.shape[axis] for axis, size in enumerate(sizes)]
    _reshaped(sequence, sizes)


@operator("Flatten")
def _flatten(sequence: Sequence, call: Call) -> None:
    axis = call.option("axis", 1)
    _reshaped(sequence, [math.prod(sequence.order.shape[:axis]), math.prod(sequence.order.shape[axis:])])


@operator("Squeeze")
def _squeeze(sequence: Sequence, call: Call) -> None:
    shape = sequence.order.shape
    axes = call.setting(1, "axes") or [axis for axis, size in enumerate(shape) if size == 1]
    chosen = {axis % len(shape) for axis in axes}
    _reshaped(sequence, [size for axis, size in enumerate(shape) if axis not in chosen])


@operator("Unsqueeze")
def _unsqueeze(sequence: Sequence, call: Call) -> None:
    sequence.rearrange(np.expand_dims(sequence.order, tuple(call.setting(1, "axes"))))


def _reshaped(sequence: Sequence, sizes: list[int]) -> None:
    try:
        order = sequence.order.reshape(sizes)
    except ValueError:
        raise UserError(f"{sequence.order.shape} cannot become {tuple(sizes)}") from None
    sequence.rearrange(order)


@operator("Add", "Sub", "Mul", "Div")
def _arithmetic(sequence: Sequence, call: Call) -> None:
    comes_first = call.node.inputs[0] in call.constants
    other = sequence.canonical(call.weights(0 if comes_first else 1))
    zero, one = np.zeros_like(other), np.ones_like(other)
    match call.node.operator:
        case "Add":
            sequence.scale(one, other)
        case "Sub":
            sequence.scale(*((-one, other) if comes_first else (one, -other)))
        case "Mul":
            sequence.scale(other, zero)
        case _:
            if comes_first or not other.all():
                raise UserError("it must divide by constants that are not 0")
            sequence.scale(1 / other, zero)


@operator("BatchNormalization")
def _batch_normalization(sequence: Sequence, call: Call) -> None:
    scale, bias, mean, variance = (call.weights(index) for index in range(1, 5))
    gain = scale / np.sqrt(variance + call.option("epsilon", 1e-5))
    channels = (-1, *[1] * (sequence.order.ndim - 2))
    shift = (bias - mean * gain).reshape(channels)
    sequence.scale(sequence.canonical(gain.reshape(channels)), sequence.canonical(shift))


@operator("Scaler")  # of scikit-learn
def _scaler(sequence: Sequence, call: Call) -> None:
    scale = sequence.canonical(np.array(call.option("scale", [1.0]), np.float64))
    offset = sequence.canonical(np.array(call.option("offset", [0.0]), np.float64))
    sequence.scale(scale, -offset * scale)


@operator("Relu")
def _relu(sequence: Sequence, call: Call) -> None:
    sequence.activate(None, call.name)


@operator("Clip")
def _clip(sequence: Sequence, call: Call) -> None:
    low, high = call.setting(1, "min"), call.setting(2, "max")
    if low != 0 or (high is not None and high <= 0):
        raise UserError(f"it clips to {low} to {high}, and only 0 to a positive number is supported")
    sequence.activate(None if high is None or high > 1e30 else high, call.name)


@operator("Min", "Max")
def _extremum(sequence: Sequence, call: Call) -> None:
    values = [call.constants[name] for name in call.node.given if name in call.constants]
    bound = float(values[0].ravel()[0]) if len(values) == 1 and values[0].size == 1 else math.nan
    if call.node.operator == "Max" and bound == 0:
        sequence.activate(None, call.name)
    elif call.node.operator == "Min" and bound > 0:
        sequence.activate(bound, call.name)
    else:
        raise UserError("it must take the maximum with 0, or the minimum with one positive number")


@operator("MatMul")
def _matmul(sequence: Sequence, call: Call) -> None:
    weights = call.weights(1)
    if weights.ndim != 2:
        raise UserError(f"its weights have the shape {weights.shape}, not two dimensions")
    sequence.connect(weights, np.zeros(()), call.name)


@operator("Gemm")
def _gemm(sequence: Sequence, call: Call) -> None:
    if call.option("transA", 0):
        raise UserError("it transposes its input")
    weights = call.weights(1) * call.option("alpha", 1.0)
    bias = np.zeros(()) if call.constant(2) is None else call.weights(2) * call.option("beta", 1.0)
    weights = weights.T if call.option("transB", 0) else weights
    sequence.connect(weights, bias.reshape(-1) if bias.size > 1 else bias.reshape(()), call.name)


@operator("Pad")
def _pad(sequence: Sequence, call: Call) -> None:
    pads, value = call.setting(1, "pads"), call.setting(2, "value")
    axes = call.constant(3)
    dimensions = sequence.order.ndim
    if call.text("mode", "constant") != "constant" or np.any(value) or axes is not None:
        raise UserError("it must surround images with zeros")
    # Images in the order rows, columns, channels are padded before they are transposed.
    picture = np.arange(sequence.order.size).reshape(-1, *sequence.shape)
    rows = 2 if np.array_equal(sequence.order, picture) else 1
    ends = pads[dimensions:]
    others = [axis for axis in range(dimensions) if axis not in (rows, rows + 1)]
    if dimensions != 4 or min(pads) < 0 or any(pads[axis] or ends[axis] for axis in others):
        raise UserError("it must add rows and columns to images")
    sequence.pads = sequence.pads.plus(Pads(pads[rows], pads[rows + 1], ends[rows], ends[rows + 1]))


@operator("Conv")
def _conv(sequence: Sequence, call: Call) -> None:
    sequence.require_picture()
    weights = call.weights(1)
    if weights.ndim != 4:
        raise UserError(f"its weights have the shape {weights.shape}, not four dimensions")
    bias = np.zeros(len(weights)) if call.constant(2) is None else call.weights(2)
    weights = dilated(weights, call.option("dilations", [1, 1]))
    strides = _strides(call)
    pads = _pads(sequence, call, weights.shape[2:], strides).plus(sequence.pads)
    weights, padding = symmetric(weights, pads)
    if padding >= min(weights.shape[2:]):
        raise UserError(f"its padding of {padding} is as large as its kernel")
    sequence.convolve(
        Convolution(weights, bias, strides[0], padding, call.option("group", 1), node=call.name)
    )


@operator("MaxPool", "AveragePool")
def _pooling(sequence: Sequence, call: Call) -> None:
    sequence.require_picture()
    window, strides = call.option("kernel_shape", []), _strides(call)
    if len(set(window)) != 1 or set(call.option("dilations", [1])) != {1}:
        raise UserError(f"its window of {' x '.join(map(str, window))} must be square and without dilation")
    if _pads(sequence, call, window, strides) != NO_PADS:
        raise UserError("it pads the image; only pooling without padding is supported")
    if call.option("ceil_mode", 0) and any((n - window[0]) % strides[0] for n in sequence.shape[1:]):
        raise UserError("with ceil_mode, its last windows reach over the edge of the image")
    takes_mean = call.node.operator == "AveragePool"
    sequence.pool(Pool(window[0], strides[0], takes_mean, node=call.name))


@operator("GlobalAveragePool", "ReduceMean")
def _mean(sequence: Sequence, call: Call) -> None:
    axes = call.setting(1, "axes") if call.node.operator == "ReduceMean" else range(2, sequence.order.ndim)
    if axes is None:
        raise UserError("it must take the mean over all rows and columns")
    chosen = [axis % sequence.order.ndim for axis in axes]
    sequence.average(chosen, bool(call.option("keepdims", 1)), call.name)


@operator("GlobalMaxPool")
def _maximum(sequence: Sequence, call: Call) -> None:
    sequence.require_picture()
    if len(set(sequence.shape[1:])) != 1:
        raise UserError(f"its image of {sequence.shape[1]} x {sequence.shape[2]} is not square")
    sequence.pool(Pool(sequence.shape[1], sequence.shape[1], node=call.name))


def _strides(call: Call) -> list[int]:
    strides: list[int] = list(call.option("strides", [1, 1]))
    if len(set(strides)) != 1:
        raise UserError(f"its strides {strides} differ between rows and columns")
    return strides


def _pads(sequence: Sequence, call: Call, window: Items[int], strides: list[int]) -> Pads:
    """The pads of a window, whichever way they are given."""
    mode = call.text("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        _, rows, columns = sequence.shape
        around = sequence.pads
        image = rows + around.top + around.bottom, columns + around.left + around.right
        return same_pads(image, window, strides, more_at_end=mode == "SAME_UPPER")
    return NO_PADS if mode == "VALID" else Pads(*call.option("pads", NO_PADS))
