"""The layers of an imported network, in double precision, and the torch modules that compute them.

Values between layers are canonical: (channels, rows, columns) or (features,).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from common.errors import UserError

Array = NDArray[np.float64]
Shape = tuple[int, ...]


@dataclass(eq=False)
class Layer:
    """One layer. node: the operator and name of the node it comes from, for errors."""

    node: str = field(kw_only=True)

    def output(self, shape: Shape) -> Shape:
        """The shape of the output for an input of this shape. Raises UserError, with a clause."""
        return shape

    def module(self) -> nn.Module:
        """The module of a kind that training/quantise supports."""
        raise NotImplementedError

    def exact(self) -> nn.Module:
        """The module that computes what the file says."""
        return self.module()


@dataclass(eq=False)
class Weighted(Layer):
    """A layer with weights (outputs, ...) and a bias (outputs,)."""

    weights: Array
    bias: Array

    def scale_outputs(self, gain: Array, shift: Array) -> None:
        """Compute gain * output + shift from now on; gain, shift: (outputs,)."""
        self.weights = self.weights * gain.reshape(-1, *[1] * (self.weights.ndim - 1))
        self.bias = self.bias * gain + shift

    def scale_inputs(self, gain: Array, shift: Array) -> None:
        """Apply the layer to gain * input + shift from now on; gain, shift: of the input's shape."""
        raise NotImplementedError


@dataclass(eq=False)
class Linear(Weighted):
    """A fully connected layer; weights (outputs, features)."""

    def output(self, shape: Shape) -> Shape:
        return (len(self.bias),)

    def scale_inputs(self, gain: Array, shift: Array) -> None:
        self.bias = self.bias + self.weights @ shift.ravel()
        self.weights = self.weights * gain.ravel()

    def module(self) -> nn.Module:
        outputs, inputs = self.weights.shape
        return _with_weights(nn.Linear(inputs, outputs), self)


@dataclass(eq=False)
class Convolution(Weighted):
    """A convolution; weights (outputs, channels / groups, kernel rows, kernel columns).

    border: what each channel holds around the image, if that is not 0. The chip always pads with 0.
    """

    stride: int = 1
    padding: int = 0
    groups: int = 1
    border: Array | None = None

    def output(self, shape: Shape) -> Shape:
        sizes = []
        for size, extent in zip(shape[1:], self.weights.shape[2:], strict=True):
            if size + 2 * self.padding < extent:
                raise UserError("its window is larger than the image")
            sizes.append((size + 2 * self.padding - extent) // self.stride + 1)
        return (len(self.bias), *sizes)

    def scale_inputs(self, gain: Array, shift: Array) -> None:
        # One value for each channel; the caller has checked that the positions agree.
        gain, shift = gain[:, 0, 0], shift[:, 0, 0]
        if self.padding and shift.any():
            self.border = -shift / np.where(gain == 0, 1, gain)
        outputs, channels = self.weights.shape[:2]
        first = np.arange(outputs) // (outputs // self.groups) * channels
        used = first[:, None] + np.arange(channels)
        self.bias = self.bias + (self.weights.sum(axis=(2, 3)) * shift[used]).sum(axis=1)
        self.weights = self.weights * gain[used][:, :, None, None]

    def module(self) -> nn.Conv2d:
        outputs, channels, *kernel = self.weights.shape
        made = nn.Conv2d(
            channels * self.groups, outputs, tuple(kernel), self.stride, self.padding, groups=self.groups
        )
        return _with_weights(made, self)

    def exact(self) -> nn.Module:
        return self.module() if self.border is None else _Bordered(self.module(), self.border)


@dataclass(eq=False)
class Activation(Layer):
    """max(value, 0), and not above the ceiling if there is one."""

    ceiling: float | None = None

    def module(self) -> nn.Module:
        return nn.ReLU() if self.ceiling is None else nn.Hardtanh(0, self.ceiling)


@dataclass(eq=False)
class Pool(Layer):
    """The largest or the mean value of windows of size x size pixels, without padding."""

    size: int
    stride: int
    takes_mean: bool = False

    def output(self, shape: Shape) -> Shape:
        if self.size > min(shape[1:]):
            raise UserError("its window is larger than the image")
        return (shape[0], *((size - self.size) // self.stride + 1 for size in shape[1:]))

    def module(self) -> nn.Module:
        return (nn.AvgPool2d if self.takes_mean else nn.MaxPool2d)(self.size, self.stride)


class _Bordered(nn.Module):
    """A convolution of images that are surrounded by a value for each channel instead of 0."""

    def __init__(self, convolution: nn.Conv2d, border: Array) -> None:
        super().__init__()
        self.padding, self.convolution = convolution.padding[0], convolution
        self.convolution.padding = (0, 0)
        self.border = nn.Parameter(torch.from_numpy(border).float().reshape(-1, 1, 1), requires_grad=False)

    def forward(self, images: Tensor) -> Tensor:
        padded = functional.pad(images - self.border, [self.padding] * 4) + self.border
        return self.convolution(padded)


def network(layers: Sequence[Layer], *, exact: bool = False) -> nn.Sequential:
    """The layers as a torch network of images 0 to 1.

    exact: compute what the file says, also around images; otherwise only modules that can be quantised.
    """
    modules: list[nn.Module] = []
    is_flat = False
    for layer in layers:
        if isinstance(layer, Linear) and not is_flat:
            modules.append(nn.Flatten())
            is_flat = True
        modules.append(layer.exact() if exact else layer.module())
    return nn.Sequential(*modules).eval()


@torch.no_grad()
def _with_weights(module: nn.Module, layer: Weighted) -> nn.Module:
    module.weight.copy_(torch.from_numpy(layer.weights))
    module.bias.copy_(torch.from_numpy(layer.bias))
    return module
