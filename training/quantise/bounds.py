"""Bounds of the sums of a layer, so that two outputs can share one word in the compiler's fast kernels."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from common.errors import UserError
from compiler.kernels.conv3x3_lanes import LANE_MAX
from compiler.kernels.winograd import conv3x3_winograd_1d, conv3x3_winograd_2d, pairs
from training.quantise.scales import largest_sums

_KERNELS = {1: conv3x3_winograd_1d, 2: conv3x3_winograd_2d}


@dataclass(frozen=True)
class Bounds:
    """Which kernels the sums of a layer must allow. They can only allow them if its weights are small enough.

    lanes: 16 bits for each sum. winograd: a transform of that many dimensions, 1 or 2, or 0 for none.
    """

    lanes: bool = False
    winograd: int = 0

    def __bool__(self) -> bool:
        return self.lanes or self.winograd > 0

    def excess(self, weights: Tensor, bias: Tensor, largest_input: int) -> Tensor:
        """By what factor each output's sums exceed what is allowed, 1 or less if they do not: float64
        (outputs,). Arguments as for largest_sums().
        """
        excess = weights.new_zeros(len(weights), dtype=torch.float64)
        if self.lanes:
            excess = largest_sums(weights, bias, largest_input) / LANE_MAX
        if self.winograd:
            excess = torch.maximum(excess, _winograd_excess(weights, largest_input, self.winograd))
        return excess

    def check(self, convolution: nn.Module, weight_bits: int, largest_input: int) -> None:
        """Raise UserError, with a clause, if no kernel uses the transform for such a layer."""
        if self.winograd == 0:
            return
        fits = (
            isinstance(convolution, nn.Conv2d)
            and convolution.kernel_size == (3, 3)
            and (convolution.stride, convolution.groups) == ((1, 1), 1)
            and convolution.out_channels % 2 == 0
        )
        largest = conv3x3_winograd_2d.LARGEST_INPUT if self.winograd == 2 else 255
        if not fits or weight_bits > pairs.WEIGHT_BITS or largest_input > largest:
            raise UserError(
                f"Winograd's transform of {self.winograd} dimensions needs a 3x3 convolution with stride 1, "
                f"one group, an even number of outputs, weights of {pairs.WEIGHT_BITS} bits or fewer, "
                f"and inputs up to {largest}"
            )


def _winograd_excess(weights: Tensor, largest_input: int, dimensions: int) -> Tensor:
    """The bias moves the range of an output's sums and does not widen it, and the kernel subtracts its
    middle. The widest half of the outputs gets the low lanes.
    """
    width = weights.flatten(1).double().abs().sum(dim=1) * largest_input
    low, high = pairs.lane_widths(_KERNELS[dimensions].LOST_BITS)
    limit = torch.full_like(width, min(low, high) - 1)
    limit[width.argsort(descending=True, stable=True)[: len(width) // 2]] = low - 1
    return width / limit
