"""From a float network to integers, and training through them.

QuantisedNetwork computes with the integers of the chip, held in float tensors that represent them exactly:
its forward pass is compiler/reference.py's, to the bit. Backwards, rounding counts as the identity (the
straight-through estimator), so the weights learn to live with it, and so do the sizes of the steps (Esser
et al., Learned Step Size Quantization, 2020).

Weights have a step for each output, activations one for each layer; the last layer's outputs share one,
because logits are compared. Batch normalisation is folded into the weights first.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from common.errors import UserError
from compiler.kernels.conv3x3_lanes import LANE_MAX
from compiler.network import (
    AVERAGE_SHIFT,
    IMAGE,
    INT32_MAX,
    AvgPool2d,
    Conv2d,
    Layer,
    Linear,
    MaxPool2d,
    Model,
    Requantisation,
)
from training.models import Quantisation

PIXEL_STEP = 1 / 255

SUPPORTED = "Conv2d, Linear, BatchNorm1d, BatchNorm2d, ReLU, MaxPool2d, AvgPool2d, Flatten"

_LARGEST_MULTIPLIER = 2**15 - 1
_LARGEST_SHIFT = 30
_LARGEST_BIAS = 2**22
_EXACT_IN_FLOAT32 = 2**24


class Diverged(UserError):
    """Training has left the numbers that float32 or the chip can hold."""

    def __init__(self, where: str = "") -> None:
        super().__init__(f"Training diverged{where}: lower the learning rate in the model's recipe.")


class QuantisedNetwork(nn.Module):
    """A network of integers that can be trained on: float images (N, 1, 28, 28) in, real logits out.

    Errors: UserError where a layer is not supported or the rule does not suit the layers.
    """

    def __init__(self, network: nn.Sequential, rule: Quantisation) -> None:
        super().__init__()
        self.input_shift = rule.input_shift
        self.stages = nn.ModuleList(_stages(network, rule))

    def forward(self, images: Tensor) -> Tensor:
        logits, step = self.logits(images)
        return (logits * step).to(images.dtype)

    def logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The chip's logits and the real value of one count: whole numbers in float32, or in float64 where
        they may need more than 24 bits.
        """
        values, step = self.pixels(images)
        for stage in self.stages:
            values, step = stage(values, step)
        return values, step

    @torch.no_grad()
    def calibrate(self, images: Tensor) -> None:
        """Sets the steps of the activations to what suits these images (N, 1, 28, 28) best."""
        values, step = self.pixels(images)
        for stage in self.stages:
            if isinstance(stage, WeightedStage):
                stage.calibrate(values, step)
            values, step = stage(values, step)

    @torch.no_grad()
    def model(self, name: str, metadata: Mapping[str, Any] | None = None) -> Model:
        """The integers. Errors: UserError where shapes do not fit together or training diverged."""
        for stage in self.stages:
            if not all(parameter.isfinite().all() for parameter in stage.parameters()):
                raise UserError(
                    f"Model {name} cannot be put on the chip: it has weights that are no numbers: "
                    "training diverged, lower its learning rate."
                )
        try:
            layers, step = self.layers()
            return Model(name, layers, float(step), metadata or {})
        except UserError as error:
            raise UserError(f"Model {name} cannot be put on the chip: {error}.") from None

    def layers(self) -> tuple[tuple[Layer, ...], Tensor]:
        """The layers of the model file, and the step of their logits. Errors: UserError."""
        layers: list[Layer] = []
        tensor, step = IMAGE, self.pixels(torch.zeros(1, 1, 1, 1))[1]
        for stage in self.stages:
            with _named(stage.name):
                made, step = stage.layers(step)
                for layer in made:
                    tensor = layer.output(tensor)
            layers += made
        return tuple(layers), step

    def pixels(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The image as the first layer multiplies it, and its step."""
        coarse = 2**self.input_shift
        step = torch.tensor(PIXEL_STEP * coarse, device=images.device)
        return torch.floor(torch.round(images / PIXEL_STEP) / coarse), step


class WeightedStage(nn.Module):
    """A convolution or fully connected layer, its requantisation, and the max pooling behind it."""

    def __init__(
        self,
        module: nn.Conv2d | nn.Linear,
        norm: nn.Module | None,
        bits: int,
        maximum: int | None,
        largest_input: int,
        input_shift: int,
        lanes: bool,
    ) -> None:
        """maximum: the largest activation, None for logits. largest_input: what weights are multiplied by,
        at most. lanes: keep every sum inside 16 bits.
        """
        super().__init__()
        self.bits, self.maximum, self.lanes = bits, maximum, lanes
        self.largest_input, self.input_shift = largest_input, input_shift
        self.pool: nn.MaxPool2d | None = None
        self.convolution = (
            {"stride": module.stride[0], "padding": module.padding[0], "groups": module.groups}
            if isinstance(module, nn.Conv2d)
            else None
        )
        weight, bias = _folded(module, norm)
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(bias)
        self.log_scale = nn.Parameter(self.initial_scale().log())
        if maximum is not None:
            self.log_step = nn.Parameter(weight.new_zeros(()))
        # Sums of integers are exact in float32 while they stay below 2**24.
        reach = weight[0].numel() * self.largest_weight * largest_input + _LARGEST_BIAS
        self.exact = torch.float32 if reach <= _EXACT_IN_FLOAT32 else torch.float64

    @property
    def largest_weight(self) -> int:
        return 2 ** (self.bits - 1) - 1

    def forward(self, values: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        weights, bias, scale = self.integers(step)
        sums = self.sums(values, weights, bias)
        if self.maximum is None:
            return sums, scale[0] * step
        if self.pool is not None:  # on the sums, as the chip does it
            sums = self.pool(sums)
        output_step = self.log_step.exp()
        around = (-1,) + (1,) * (sums.ndim - 2)
        smooth = (sums.to(torch.float32) * (scale * step / output_step).view(around)).clamp(0, self.maximum)
        with torch.no_grad():
            multiplier, shift = self.requantisation(weights, bias, scale * step / output_step)
            scaled = sums.to(torch.int32) * multiplier.view(around) + (1 << (shift - 1))
            exact = (scaled >> shift).clamp(0, self.maximum).to(smooth.dtype)
        return smooth + (exact - smooth).detach(), output_step

    def integers(self, step: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Weights and biases as whole numbers, and what one count of each output's weights is worth."""
        scale = self.log_scale.exp().expand(len(self.weight))
        if self.lanes:
            scale = scale * self.lane_factor(scale, step)
        weights, bias = self.divided(scale, step)
        return _rounded(weights), _rounded(bias), scale

    def divided(self, scale: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        around = (-1,) + (1,) * (self.weight.ndim - 1)
        weights = (self.weight / scale.view(around)).clamp(-self.largest_weight, self.largest_weight)
        return weights, (self.bias / (scale * step)).clamp(-_LARGEST_BIAS, _LARGEST_BIAS)

    @torch.no_grad()
    def lane_factor(self, scale: Tensor, step: Tensor) -> Tensor:
        """How much coarser the weights have to be for every sum to fit 16 bits; 1 where they do."""
        factor = torch.ones_like(scale)
        while True:
            weights, bias = (part.round() for part in self.divided(scale * factor, step))
            excess = (self.reach(weights, bias) / LANE_MAX).to(scale.dtype)
            if len(self.log_scale) == 1:
                excess = excess.max().expand_as(excess)
            largest = excess.max().item()
            if largest <= 1:
                return factor
            if not math.isfinite(largest):
                raise Diverged
            factor = factor * torch.where(excess > 1, excess * 1.01, 1.0)

    def reach(self, weights: Tensor, bias: Tensor) -> Tensor:
        """The largest magnitude of each output's partial sums, in any order of the terms: float64, exact."""
        flat, bias = weights.flatten(1).double(), bias.double()
        high = flat.clamp(min=0).sum(dim=1) * self.largest_input + bias.clamp(min=0)
        low = flat.clamp(max=0).sum(dim=1) * self.largest_input + bias.clamp(max=0)
        return torch.maximum(high, -low)

    def sums(self, values: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
        """The accumulators, exact, in `self.exact`."""
        values, weights, bias = (part.to(self.exact) for part in (values, weights, bias))
        if self.convolution is None:
            sums = functional.linear(values.flatten(1), weights, bias)
        else:
            sums = functional.conv2d(values, weights, bias, **self.convolution)
            # One channel is answered in another order of memory, in which pooling takes six times as long.
            sums = sums.contiguous(memory_format=torch.channels_last)
        return sums

    def requantisation(self, weights: Tensor, bias: Tensor, ratio: Tensor) -> tuple[Tensor, int]:
        """The multipliers, int32 (outputs,), and the shift that come closest to this ratio of steps."""
        ratio, reach = ratio.double(), self.reach(weights, bias)
        largest_ratio, largest_result = ratio.max().item(), (ratio * reach).max().item()
        if not (largest_ratio > 0 and math.isfinite(largest_result)):
            raise Diverged
        most = _LARGEST_MULTIPLIER / largest_ratio
        if largest_result > 0:
            most = min(most, 2**30 / largest_result)
        if most < 2:
            raise Diverged
        shift = min(_LARGEST_SHIFT, math.floor(math.log2(most)))
        multiplier = (ratio * 2**shift).round().clamp(1, _LARGEST_MULTIPLIER)
        # A multiplier that was rounded up, or to 1, may be a little too much.
        while ((reach * multiplier).max().item() + 2 ** (shift - 1)) > INT32_MAX:
            shift -= 1
            multiplier = (ratio * 2**shift).round().clamp(1, _LARGEST_MULTIPLIER)
        return multiplier.to(torch.int32), shift

    def calibrate(self, values: Tensor, step: Tensor) -> None:
        """Sets the step of the activations to the one of the smallest mean square error."""
        if self.maximum is None:
            return
        weights, bias, scale = self.integers(step)
        sums = self.sums(values, weights, bias)
        real = (sums * (scale * step).view((-1,) + (1,) * (sums.ndim - 2))).clamp(min=0).flatten()
        real = real[:: max(1, len(real) // 200_000)]
        largest = real.max().clamp(min=1e-6)
        if real.max() == 0:  # no output is ever positive: any step does, this one can be expressed
            largest = (scale * step).max() * self.maximum
        steps = largest / self.maximum * torch.linspace(0.2, 1, 33, device=real.device)
        errors = [((real / s).round().clamp(max=self.maximum) * s - real).square().mean() for s in steps]
        self.log_step.copy_(steps[int(torch.stack(errors).argmin())].log())

    @torch.no_grad()
    def initial_scale(self) -> Tensor:
        """What one count of the weights is worth: one for each output, or a single one for logits."""
        flat = self.weight.flatten(1) if self.maximum is not None else self.weight.flatten()[None]
        largest = flat.abs().amax(dim=1, keepdim=True)
        best = largest / self.largest_weight
        if self.bits < 8:  # where counts are few, it pays to clip the largest weights
            candidates = [best * part for part in torch.linspace(0.3, 1, 29).tolist()]
            errors = [
                ((flat / s).round().clamp(-self.largest_weight, self.largest_weight) * s - flat)
                .square()
                .sum(dim=1, keepdim=True)
                for s in (candidate.clamp(min=1e-12) for candidate in candidates)
            ]
            choice = torch.stack(errors).argmin(dim=0)
            best = torch.stack(candidates).gather(0, choice[None])[0]
        # Outputs with hardly any weight get no finer counts than the multipliers can tell apart.
        best = best.squeeze(1).clamp(min=best.max() / 1024)
        return torch.where(best > 0, best, torch.ones_like(best))

    def layers(self, step: Tensor) -> tuple[list[Layer], Tensor]:
        """The layers of the model file, and the step of their output."""
        weights, bias, scale = self.integers(step)
        options: dict[str, Any] = {"weight_bits": self.bits, "input_shift": self.input_shift}
        output_step = scale[0] * step
        if self.maximum is not None:
            output_step = self.log_step.exp()
            multiplier, shift = self.requantisation(weights, bias, scale * step / output_step)
            numbers = multiplier.to(torch.int16).cpu().numpy()
            options["requantisation"] = Requantisation(numbers, shift, self.maximum)
        kind = Linear if self.convolution is None else Conv2d
        layer = kind(
            weights.to(torch.int8).cpu().numpy(),
            bias.to(torch.int32).cpu().numpy(),
            **options,
            **(self.convolution or {}),
        )
        pool = [] if self.pool is None else [MaxPool2d(self.pool.kernel_size, self.pool.stride)]
        return [layer, *pool], output_step


class MaxPoolStage(nn.Module):
    """Max pooling where no layer with weights is before it."""

    def __init__(self, module: nn.MaxPool2d) -> None:
        super().__init__()
        self.pool = module

    def forward(self, values: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        return self.pool(values), step

    def layers(self, step: Tensor) -> tuple[list[Layer], Tensor]:
        return [MaxPool2d(self.pool.kernel_size, self.pool.stride)], step


class AvgPoolStage(nn.Module):
    """Average pooling with the chip's fixed point."""

    def __init__(self, module: nn.AvgPool2d) -> None:
        super().__init__()
        self.layer = AvgPool2d(module.kernel_size, module.stride)

    def forward(self, values: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
        mean = functional.avg_pool2d(values, self.layer.size, self.layer.stride)
        with torch.no_grad():
            sums = (mean * self.layer.size**2).round().to(torch.int32)
            exact = (sums * self.layer.multiplier + (1 << (AVERAGE_SHIFT - 1))) >> AVERAGE_SHIFT
        return mean + (exact.to(mean.dtype) - mean).detach(), step

    def layers(self, step: Tensor) -> tuple[list[Layer], Tensor]:
        return [self.layer], step


def quantised(
    network: nn.Sequential, name: str, rule: Quantisation, images: Tensor | None = None
) -> QuantisedNetwork:
    """The float network, calibrated, as one that can be trained on. Errors: UserError."""
    try:
        result = QuantisedNetwork(network, rule)
    except UserError as error:
        raise UserError(f"Model {name} cannot be put on the chip: {error}.") from None
    if images is not None:
        result.calibrate(images)
    return result


def _stages(network: nn.Sequential, rule: Quantisation) -> Iterator[nn.Module]:
    """The stages of a network: what belongs to one layer of the chip, together. Each has the layer's name."""
    names = [f"layer {index} ({type(module).__name__})" for index, module in enumerate(network)]
    for module, name in zip(network, names, strict=True):
        _check(module, name)
    coming = deque(zip(network, names, strict=True))

    def take(*kinds: type[nn.Module]) -> nn.Module | None:
        return coming.popleft()[0] if coming and isinstance(coming[0][0], kinds) else None

    count = sum(isinstance(module, nn.Conv2d | nn.Linear) for module in network)
    if count == 0:
        raise UserError("it has no layer with weights")
    settings = deque(zip(rule.bits_of_layers(count), [*rule.maxima_of_layers(count - 1), None], strict=True))
    if rule.input_shift not in range(8):
        raise UserError(f"its recipe has input_shift {rule.input_shift}, not one from 0 to 7")
    largest_input, input_shift = 255 >> rule.input_shift, rule.input_shift
    is_flat = False
    while coming:
        module, name = coming.popleft()
        if isinstance(module, nn.Flatten):
            is_flat = True
        elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.ReLU):
            raise UserError(f"{name} does not follow a layer with weights")
        elif is_flat != isinstance(module, nn.Linear):
            raise UserError(f"{name} is on the wrong side of a Flatten, which belongs before every Linear")
        elif isinstance(module, nn.Conv2d | nn.Linear):
            norm = take(nn.BatchNorm1d, nn.BatchNorm2d)
            _check_norm(module, norm, name)
            relu = take(nn.ReLU)
            bits, maximum = settings.popleft()
            if (relu is None) != (maximum is None):
                raise UserError(
                    f"{name} needs a ReLU behind it, or behind its batch normalisation; "
                    "only the last layer with weights has none"
                )
            stage = WeightedStage(module, norm, bits, maximum, largest_input, input_shift, rule.lanes)
            stage.pool = take(nn.MaxPool2d) if relu else None
            stage.name = name
            largest_input, input_shift = maximum or 0, 0  # only the last layer has no maximum
            yield stage
        elif input_shift:
            raise UserError(f"{name} takes pixels as they are: its recipe can have no input_shift")
        else:
            with _named(name):
                stage = MaxPoolStage(module) if isinstance(module, nn.MaxPool2d) else AvgPoolStage(module)
            stage.name = name
            yield stage


def _check(module: nn.Module, name: str) -> None:
    """UserError where the chip has no such layer, or not with such settings."""
    if isinstance(module, nn.Conv2d):
        paddings = module.padding if isinstance(module.padding, tuple) else ()
        if len(set(paddings)) != 1 or len(set(module.stride)) != 1:
            raise UserError(f"{name} needs one stride and one padding, numbers, for rows and columns")
        if set(module.dilation) != {1} or module.padding_mode != "zeros":
            raise UserError(f"{name} has dilation or a padding of other than zeros, neither is supported")
    elif isinstance(module, nn.MaxPool2d | nn.AvgPool2d):
        whole = isinstance(module.kernel_size, int) and isinstance(module.stride, int)
        plain = module.padding == 0 and not module.ceil_mode and getattr(module, "dilation", 1) == 1
        if not (whole and plain) or getattr(module, "divisor_override", None):
            raise UserError(
                f"{name} is supported with one number as its size, one as its stride, and nothing else"
            )
    elif isinstance(module, nn.Flatten):
        if (module.start_dim, module.end_dim) != (1, -1):
            raise UserError(f"{name} is supported for all but the images' own dimension")
    elif not isinstance(module, nn.Linear | nn.BatchNorm1d | nn.BatchNorm2d | nn.ReLU):
        raise UserError(f"{name} is not supported, only {SUPPORTED}")


def _check_norm(module: nn.Conv2d | nn.Linear, norm: nn.Module | None, name: str) -> None:
    """UserError where a batch normalisation cannot be folded into the layer before it."""
    kind = nn.BatchNorm2d if isinstance(module, nn.Conv2d) else nn.BatchNorm1d
    outputs = len(module.weight)
    if norm is not None and not (
        isinstance(norm, kind) and norm.num_features == outputs and norm.affine and norm.track_running_stats
    ):
        raise UserError(f"{name} can have only a {kind.__name__}({outputs}) as its batch normalisation")


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Puts a layer's name before what a UserError says."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{name}: {error}") from None


@torch.no_grad()
def _folded(module: nn.Conv2d | nn.Linear, norm: nn.Module | None) -> tuple[Tensor, Tensor]:
    """Weights and biases with the batch normalisation behind them worked in."""
    weight = module.weight.clone()
    bias = weight.new_zeros(len(weight)) if module.bias is None else module.bias.clone()
    if norm is not None:
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight *= gain.view((-1,) + (1,) * (weight.ndim - 1))
        bias = (bias - norm.running_mean) * gain + norm.bias
    return weight, bias


def _rounded(values: Tensor) -> Tensor:
    """Whole numbers, half to even; backwards the identity."""
    return values + (values.round() - values).detach()
