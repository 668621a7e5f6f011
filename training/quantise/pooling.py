"""The stages of layers without weights. A new kind is one function with `stage_of`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from common.errors import UserError
from compiler import network
from training.quantise.stages import Stage

# The function that makes the stage of a kind of PyTorch module. It raises UserError, with a clause, if the
# chip has no layer with the module's options.
STAGES: dict[type[nn.Module], Callable[[Any], Stage]] = {}


def stage_of(kind: type[nn.Module]) -> Callable[[Callable[[Any], Stage]], Callable[[Any], Stage]]:
    """Register the function that makes the stage of a kind of module."""

    def register(make: Callable[[Any], Stage]) -> Callable[[Any], Stage]:
        STAGES[kind] = make
        return make

    return register


def stage(module: nn.Module) -> Stage:
    """The stage of a module whose kind is in STAGES. Raises UserError for options without a layer."""
    make = next(make for kind, make in STAGES.items() if isinstance(module, kind))
    return make(module)


class MaxPoolStage(Stage):
    """Max pooling that does not follow a layer with weights."""

    def __init__(self, layer: network.MaxPool2d) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, values: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        return functional.max_pool2d(values, self.layer.size, self.layer.stride), scale

    def layers(self, scale: Tensor) -> tuple[list[network.Layer], Tensor]:
        return [self.layer], scale


class AvgPoolStage(Stage):
    """Average pooling with the chip's fixed point."""

    def __init__(self, layer: network.AvgPool2d) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, values: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        mean = functional.avg_pool2d(values, self.layer.size, self.layer.stride)
        with torch.no_grad():
            sums = (mean * self.layer.size**2).round().to(torch.int32)
            half = 1 << (network.AVERAGE_SHIFT - 1)
            exact = (sums * self.layer.multiplier + half) >> network.AVERAGE_SHIFT
        return mean + (exact.to(mean.dtype) - mean).detach(), scale

    def layers(self, scale: Tensor) -> tuple[list[network.Layer], Tensor]:
        return [self.layer], scale


@stage_of(nn.MaxPool2d)
def _maxpool2d(module: nn.MaxPool2d) -> Stage:
    return MaxPoolStage(max_pooling(module))


@stage_of(nn.AvgPool2d)
def _avgpool2d(module: nn.AvgPool2d) -> Stage:
    return AvgPoolStage(network.AvgPool2d(*_window(module)))


def max_pooling(module: nn.MaxPool2d) -> network.MaxPool2d:
    """The layer of a max pooling. Raises UserError if the chip has none with these options."""
    return network.MaxPool2d(*_window(module))


def _window(module: nn.MaxPool2d | nn.AvgPool2d) -> tuple[int, int]:
    """The size and stride of a pooling. Raises UserError if it has other options."""
    size, stride = module.kernel_size, module.stride
    is_plain = module.padding == 0 and not module.ceil_mode and getattr(module, "dilation", 1) == 1
    if not (isinstance(size, int) and isinstance(stride, int) and is_plain) or getattr(
        module, "divisor_override", None
    ):
        raise UserError("its size and stride must each be one number, and it can have no other option")
    return size, stride
