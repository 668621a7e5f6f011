"""What a stage of a quantised network is, and the stage of layers with weights. pooling.py has the others.

A stage computes one or two layers of the chip and can be trained.

Values are whole numbers in float tensors. Each stage takes values and their scale, the real value of one
count, and gives the same for its outputs. Gradients treat rounding as the identity (straight-through
estimator), so training adapts weights and scales to it (Esser et al., Learned Step Size Quantization, 2020).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from compiler import network
from training.errors import Diverged
from training.quantise import scales
from training.quantise.bounds import Bounds
from training.quantise.scales import LARGEST_BIAS, per_output

_EXACT_IN_FLOAT32 = 2**24


class Stage(nn.Module):
    """One or two layers. name: what errors call the first of them."""

    name = ""

    def forward(self, values: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """The outputs (N, ...) and their scale."""
        raise NotImplementedError

    def layers(self, scale: Tensor) -> tuple[list[network.Layer], Tensor]:
        """The layers of the model file for inputs of this scale, and the scale of their output.

        Raises UserError.
        """
        raise NotImplementedError

    def calibrate(self, values: Tensor, scale: Tensor) -> None:
        """Choose the scale of the activations for these inputs, if the stage has one."""


@dataclass(frozen=True)
class Convolution:
    """How the window of a convolution moves."""

    stride: int
    padding: int
    groups: int


@dataclass(frozen=True)
class Ranges:
    """The integer ranges of a layer with weights.

    maximum: the largest activation, None for logits. largest_input: after the input shift.
    bounds: what its sums must not exceed.
    """

    weight_bits: int
    maximum: int | None
    largest_input: int
    input_shift: int
    bounds: Bounds = field(default_factory=Bounds)


class WeightedStage(Stage):
    """A convolution or fully connected layer, its requantisation, and the max pooling behind it.

    The weights have one scale for each output; those of logits share one, because logits are compared.
    """

    def __init__(
        self,
        weight: Tensor,
        bias: Tensor,
        ranges: Ranges,
        convolution: Convolution | None = None,
        pool: network.MaxPool2d | None = None,
        ceiling: float | None = None,
    ) -> None:
        """weight (outputs, ...), bias (outputs,): real. convolution: None for a fully connected layer.

        ceiling: the largest real activation, as of a ReLU6; training may change it.
        """
        super().__init__()
        self.ceiling = ceiling
        self.ranges, self.convolution, self.pool = ranges, convolution, pool
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        is_last = ranges.maximum is None
        self.log_scale = nn.Parameter(scales.weight_scales(weight, ranges.weight_bits, shared=is_last).log())
        if not is_last:
            self.log_output_scale = nn.Parameter(weight.new_zeros(()))
        # Sums of integers are exact in float32 while they stay inside 24 bits.
        terms = weight[0].numel() * scales.largest_weight(ranges.weight_bits) * ranges.largest_input
        self.exact = torch.float32 if terms + LARGEST_BIAS <= _EXACT_IN_FLOAT32 else torch.float64

    def forward(self, values: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """The outputs. Logits are float64 if they may need more than 24 bits. Raises Diverged."""
        values, scale = self.shifted(values), self.shifted_scale(scale)
        weights, bias, weight_scale = self.integers(scale)
        sums = self.sums(values, weights, bias)
        maximum = self.ranges.maximum
        if maximum is None:
            return sums, weight_scale[0] * scale
        if self.pool is not None:  # before requantisation, as on the chip
            sums = functional.max_pool2d(sums, self.pool.size, self.pool.stride)
        output_scale = self.log_output_scale.exp()
        ratio = weight_scale * scale / output_scale
        smooth = (sums.to(torch.float32) * per_output(ratio, sums.ndim, 1)).clamp(0, maximum)
        with torch.no_grad():
            multiplier, shift = self.requantisation(weights, bias, ratio)
            products = sums.to(torch.int32) * per_output(multiplier, sums.ndim, 1) + (1 << (shift - 1))
            exact = (products >> shift).clamp(0, maximum).to(smooth.dtype)
        return smooth + (exact - smooth).detach(), output_scale

    def shifted(self, values: Tensor) -> Tensor:
        """The values that are multiplied: without their low bits, if the layer drops some."""
        shift = self.ranges.input_shift
        return torch.floor(values / 2**shift) if shift else values

    def shifted_scale(self, scale: Tensor) -> Tensor:
        """The scale of the values that are multiplied."""
        return scale * 2**self.ranges.input_shift

    def integers(self, scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weights and biases as whole numbers, and the weight scale of each output. Raises Diverged."""
        weight_scale = self.log_scale.exp().expand(len(self.weight))
        if self.ranges.bounds:
            weight_scale = weight_scale * self.bound_factor(weight_scale, scale)
        weights, bias = self.scaled(weight_scale, scale)
        return _rounded(weights), _rounded(bias), weight_scale

    def scaled(self, weight_scale: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        """Weights and biases in counts, clipped to their ranges, not rounded."""
        largest = scales.largest_weight(self.ranges.weight_bits)
        weights = (self.weight / per_output(weight_scale, self.weight.ndim)).clamp(-largest, largest)
        return weights, (self.bias / (weight_scale * scale)).clamp(-LARGEST_BIAS, LARGEST_BIAS)

    @torch.no_grad()
    def bound_factor(self, weight_scale: Tensor, scale: Tensor) -> Tensor:
        """The factor, 1 or more, by which to enlarge each weight scale so that every sum keeps the bounds.

        Raises Diverged.
        """
        factor = torch.ones_like(weight_scale)
        while True:
            weights, bias = (part.round() for part in self.scaled(weight_scale * factor, scale))
            excess = self.ranges.bounds.excess(weights, bias, self.ranges.largest_input).to(
                weight_scale.dtype
            )
            if len(self.log_scale) == 1:
                excess = excess.max().expand_as(excess)
            largest = excess.max().item()
            if largest <= 1:
                return factor
            if not math.isfinite(largest):
                raise Diverged
            factor = factor * torch.where(excess > 1, excess * 1.01, 1.0)

    def sums(self, values: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
        """The accumulators, exact, in `self.exact`."""
        values, weights, bias = (part.to(self.exact) for part in (values, weights, bias))
        if self.convolution is None:
            return functional.linear(values.flatten(1), weights, bias)
        window = self.convolution
        sums = functional.conv2d(values, weights, bias, window.stride, window.padding, groups=window.groups)
        # A convolution of one channel gives another order of memory; pooling takes six times as long in it.
        return sums.contiguous(memory_format=torch.channels_last)

    def requantisation(self, weights: Tensor, bias: Tensor, ratio: Tensor) -> tuple[Tensor, int]:
        """The multipliers, int32 (outputs,), and the shift for a ratio of scales. Raises Diverged."""
        sums = scales.largest_sums(weights, bias, self.ranges.largest_input)
        return scales.requantisation(ratio, sums)

    @torch.no_grad()
    def calibrate(self, values: Tensor, scale: Tensor) -> None:
        """Choose the scale of the activations for these inputs. Raises Diverged."""
        if self.ranges.maximum is None:
            return
        values, scale = self.shifted(values), self.shifted_scale(scale)
        weights, bias, weight_scale = self.integers(scale)
        sums = self.sums(values, weights, bias)
        sum_scale = weight_scale * scale
        real = (sums.to(torch.float32) * per_output(sum_scale, sums.ndim, 1)).clamp(0, self.ceiling)
        # The scale times the largest integer is at most the ceiling, where requantisation saturates.
        best = scales.activation_scale(real, self.ranges.maximum, fallback=sum_scale.max())
        self.log_output_scale.copy_(best.log())

    def layers(self, scale: Tensor) -> tuple[list[network.Layer], Tensor]:
        scale = self.shifted_scale(scale)
        weights, bias, weight_scale = self.integers(scale)
        output_scale, rule = weight_scale[0] * scale, None
        if self.ranges.maximum is not None:
            output_scale = self.log_output_scale.exp()
            multiplier, shift = self.requantisation(weights, bias, weight_scale * scale / output_scale)
            multipliers = multiplier.to(torch.int16).cpu().numpy()
            rule = network.Requantisation(multipliers, shift, self.ranges.maximum)
        arrays = weights.to(torch.int8).cpu().numpy(), bias.to(torch.int32).cpu().numpy()
        integers = (*arrays, rule, self.ranges.weight_bits, self.ranges.input_shift)
        layer: network.Layer
        if self.convolution is None:
            layer = network.Linear(*integers)
        else:
            window = self.convolution
            layer = network.Conv2d(*integers, window.stride, window.padding, window.groups)
        return [layer] if self.pool is None else [layer, self.pool], output_scale


def _rounded(values: Tensor) -> Tensor:
    """Whole numbers, halves to even; the gradient is that of the identity."""
    return values + (values.round() - values).detach()
