"""The layers that a graph's nodes become, one node after the other.

Nodes that only move or scale values become no layers. Moves are followed in `order`; scalings are folded into
the weights before them or, if there are none, kept in `gain` and `shift` for the weights behind them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence as Items

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError
from training.importing.layers import Activation, Array, Convolution, Layer, Linear, Pool, Shape, Weighted
from training.importing.windows import NO_PADS, Pads


class Sequence:
    """The layers so far, and how the graph's current tensor follows from their output.

    shape: of the canonical output: (channels, rows, columns) or (features,).
    order: int64, of the graph's shape: the place of each value among the canonical ones of all images.
    gain, shift: of `shape`: a value of the graph is gain * canonical value + shift.
    pads: zeros around the image, for the convolution that comes next.
    Methods raise UserError, with a clause, if the chip cannot compute the node.
    """

    def __init__(self, shape: Shape, order: NDArray[np.int64], gain: Array, shift: Array) -> None:
        """The input: images of `shape`, 0 to 1; gain, shift: (channels, 1, 1)."""
        self.layers: list[Layer] = []
        self.shape, self.order = shape, order
        self.gain, self.shift = np.broadcast_to(gain, shape), np.broadcast_to(shift, shape)
        self.pads: Pads = NO_PADS

    def rearrange(self, order: NDArray[np.int64]) -> None:
        """Take another order or shape of the same values."""
        images, count = len(self.order), math.prod(self.shape)
        wanted = np.arange(images).repeat(count)
        if order.size != self.order.size or len(order) != images or (order.ravel() // count != wanted).any():
            raise UserError("it mixes the values of several images or drops some")
        self.order = order

    def canonical(self, constant: NDArray[np.generic]) -> Array:
        """A constant that the graph combines with the current tensor, in the canonical shape."""
        shape = np.broadcast_shapes(self.order.shape, constant.shape)
        if math.prod(shape) != self.order.size:
            raise UserError(f"its constant of shape {constant.shape} makes the tensor larger")
        self.order = np.broadcast_to(self.order, shape)
        values = np.empty(self.order.size)
        values[self.order.ravel()] = np.broadcast_to(constant, shape).ravel()
        each = values.reshape(-1, *self.shape)
        if (each != each[0]).any():
            raise UserError("its constant differs between images")
        return each[0]

    def scale(self, gain: Array, shift: Array) -> None:
        """Compute gain * value + shift; gain, shift: of `shape`."""
        layer = self._open_layer()
        if layer is not None and self._is_unscaled():
            pools = self.layers[self.layers.index(layer) + 1 :]
            # A factor that is not positive would make the largest value the smallest.
            if (gain > 0).all() or all(isinstance(pool, Pool) and pool.takes_mean for pool in pools):
                layer.scale_outputs(self._each_channel(gain), self._each_channel(shift))
                return
        self.gain, self.shift = self.gain * gain, self.shift * gain + shift

    def convolve(self, layer: Convolution) -> None:
        """Append a convolution."""
        self.require_picture()
        channels = layer.weights.shape[1] * layer.groups
        if channels != self.shape[0]:
            raise UserError(f"it takes {channels} channels, and gets {self.shape[0]}")
        self._each_channel(self.gain), self._each_channel(self.shift)
        layer.scale_inputs(self.gain, self.shift)
        self._append(layer)

    def connect(self, weights: Array, bias: Array, node: str) -> None:
        """Append a fully connected layer; weights: (features, outputs), in the graph's order of features."""
        if self.order.ndim != 2 or weights.shape[0] != self.order.shape[1]:
            raise UserError(
                f"it multiplies values of shape {self.order.shape[1:]} by weights of shape {weights.shape}; "
                "only a flat list of all values of an image is supported"
            )
        ordered = np.empty_like(weights)
        ordered[self.order[0]] = weights
        layer = Linear(ordered.T, np.broadcast_to(bias, weights.shape[1:]), node=node)
        layer.scale_inputs(self.gain, self.shift)
        self._append(layer)

    def activate(self, ceiling: float | None, node: str) -> None:
        """Append max(value, 0), limited to the ceiling if there is one.

        The chip activates before it pools, so it goes before max poolings, which gives the same values.
        """
        if not self._is_unscaled():
            raise UserError("no layer with weights comes directly before it")
        place = len(self.layers)
        while place and isinstance(pool := self.layers[place - 1], Pool) and not pool.takes_mean:
            place -= 1
        before = self.layers[place - 1] if place else None
        if isinstance(before, Weighted):
            self.layers.insert(place, Activation(ceiling, node=node))
        elif isinstance(before, Activation) and ceiling is not None:
            before.ceiling = min(ceiling, before.ceiling or math.inf)
        elif ceiling is not None or self._open_layer() is not None:
            raise UserError("no layer with weights comes directly before it")

    def pool(self, layer: Pool) -> None:
        """Append a pooling."""
        self.require_picture()
        gain, shift = self._each_channel(self.gain), self._each_channel(self.shift)
        if not layer.takes_mean and (gain <= 0).any():
            raise UserError("a scaling with a factor that is not positive comes before it")
        if layer.size > 1 or layer.stride > 1:
            self._append(layer)
            self.gain, self.shift = (
                np.broadcast_to(each.reshape(-1, 1, 1), self.shape) for each in (gain, shift)
            )

    def average(self, axes: Items[int], keeps_axes: bool, node: str) -> None:
        """Append the mean over all rows and columns, which are these axes of the graph's tensor."""
        rest = [axis for axis in range(self.order.ndim) if axis not in axes]
        shape = self.order.shape
        rows = np.sort(self.order.transpose(*rest, *axes).reshape(-1, math.prod(shape[a] for a in axes)))
        if len(self.shape) != 3 or (rows.ravel() != np.arange(self.order.size)).any() or 0 in axes:
            raise UserError("it must take the mean over all rows and columns")
        if rows.shape[1] != self.shape[1] * self.shape[2]:
            raise UserError("it must take the mean over all rows and columns")
        if self.shape[1] != self.shape[2]:
            raise UserError(f"its image of {self.shape[1]} x {self.shape[2]} is not square")
        self.order = np.arange(self.order.size).reshape(-1, *self.shape)
        self.pool(Pool(self.shape[1], self.shape[1], takes_mean=True, node=node))
        kept = [1 if axis in axes else size for axis, size in enumerate(shape)]
        self.order = self.order.reshape(kept if keeps_axes else [shape[axis] for axis in rest])

    def require_picture(self) -> None:
        """Raise UserError unless the values are images in the order channel, row, column."""
        wanted = np.arange(self.order.size).reshape(-1, *self.shape)
        if len(self.shape) != 3 or not np.array_equal(self.order, wanted):
            raise UserError("its input is not an image in the order channels, rows, columns")

    def finish(self) -> list[Layer]:
        """The layers, with logits in the graph's order. The last layer is fully connected."""
        self._end_in_linear()
        last = self.layers[-1]
        assert isinstance(last, Linear)
        order = self.order[0].ravel()
        last.weights, last.bias = last.weights[order], last.bias[order]
        for layer, behind in zip(self.layers, self.layers[1:], strict=False):
            if isinstance(layer, Weighted) and not isinstance(behind, Activation):
                raise UserError(
                    f"{layer.node} is not supported: it needs a Relu or Clip behind it, "
                    "as all layers with weights but the last."
                )
        return self.layers

    def _end_in_linear(self) -> None:
        """Rewrite the end so that the last layer is fully connected: the chip's logits come from one."""
        last = self._open_layer()
        if isinstance(last, Convolution):
            self._end_in_pooled_features(last)
        if not self.layers or not isinstance(self.layers[-1], Linear):
            # The values themselves are the logits.
            count = math.prod(self.shape)
            order, self.order = self.order, np.arange(count)[None]
            self.connect(np.eye(count), np.zeros(count), self.layers[-1].node if self.layers else "the input")
            self.order = order

    def _end_in_pooled_features(self, last: Convolution) -> None:
        """Replace a last convolution, and the mean behind it, by an equal fully connected layer."""
        place = self.layers.index(last)
        means = self.layers[place + 1 :]
        covers_image = not last.padding and last.groups == 1 and self.shape[1:] == (1, 1)
        if not means and covers_image:
            self.layers[place] = Linear(last.weights.reshape(len(last.bias), -1), last.bias, node=last.node)
        elif (
            covers_image
            and last.weights.shape[2:] == (1, 1)
            and last.stride == 1
            and all(isinstance(pool, Pool) and pool.takes_mean for pool in means)
        ):
            # The mean of products with the same weights is the product of the mean.
            linear = Linear(last.weights[:, :, 0, 0], last.bias, node=last.node)
            self.layers[place:] = [*means, linear]
        if isinstance(self.layers[-1], Linear):
            self.shape = (len(last.bias),)

    def _append(self, layer: Layer) -> None:
        self.shape = layer.output(self.shape)
        self.layers.append(layer)
        self.order = np.arange(len(self.order) * math.prod(self.shape)).reshape(-1, *self.shape)
        self.gain, self.shift = np.ones(self.shape), np.zeros(self.shape)
        self.pads = NO_PADS

    def _open_layer(self) -> Weighted | None:
        """The layer with weights whose outputs are only pooled so far, not activated."""
        for layer in reversed(self.layers):
            if isinstance(layer, Weighted):
                return layer
            if not isinstance(layer, Pool):
                return None
        return None

    def _is_unscaled(self) -> bool:
        return bool((self.gain == 1).all() and (self.shift == 0).all())

    def _each_channel(self, values: Array) -> Array:
        """The value of each channel or feature. Raises UserError if it differs between positions."""
        flat = values.reshape(len(values), -1)
        if (flat != flat[:, :1]).any():
            raise UserError("the scaling before it differs between the pixels of a channel")
        return flat[:, 0]
