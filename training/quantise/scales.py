"""The choice of scales and multipliers. A scale is the real value of one count of an integer."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from compiler.network import INT32_MAX
from training.errors import Diverged

LARGEST_BIAS = 2**22

_LARGEST_MULTIPLIER = 2**15 - 1
_LARGEST_SHIFT = 30


def largest_weight(bits: int) -> int:
    """The largest weight of this many bits; the smallest is its negative."""
    return (1 << (bits - 1)) - 1


def per_output(values: Tensor, dimensions: int, axis: int = 0) -> Tensor:
    """Values (outputs,) shaped to multiply a tensor of this many dimensions along an axis."""
    shape = [1] * dimensions
    shape[axis] = -1
    return values.view(shape)


@torch.no_grad()
def weight_scales(weight: Tensor, bits: int, shared: bool) -> Tensor:
    """The initial scales of a layer's weights: (outputs,), or (1,) if all outputs share one."""
    flat = weight.flatten()[None] if shared else weight.flatten(1)
    largest = largest_weight(bits)
    best = flat.abs().amax(dim=1, keepdim=True) / largest
    if bits < 8:  # with few counts, clipping the largest weights gives a smaller error
        candidates = [best * share for share in torch.linspace(0.3, 1, 29).tolist()]
        errors = [
            ((flat / scale).round().clamp(-largest, largest) * scale - flat).square().sum(dim=1, keepdim=True)
            for scale in (candidate.clamp(min=1e-12) for candidate in candidates)
        ]
        choice = torch.stack(errors).argmin(dim=0)
        best = torch.stack(candidates).gather(0, choice[None])[0]
    # All multipliers of a layer share one shift, so very different scales would cost precision.
    best = best.squeeze(1).clamp(min=best.max() / 1024)
    return torch.where(best > 0, best, torch.ones_like(best))


@torch.no_grad()
def activation_scale(real: Tensor, maximum: int, fallback: Tensor) -> Tensor:
    """The scale with the smallest mean square error for real activations, 0 or more.

    maximum: the largest integer. fallback: the scale if all activations are 0.
    """
    real = real.flatten()
    real = real[:: max(1, len(real) // 200_000)]
    largest = real.max()
    if largest == 0:
        return fallback
    scales = largest.clamp(min=1e-6) / maximum * torch.linspace(0.2, 1, 33, device=real.device)
    errors = [((real / s).round().clamp(max=maximum) * s - real).square().mean() for s in scales]
    return scales[int(torch.stack(errors).argmin())]


def largest_sums(weights: Tensor, bias: Tensor, largest_input: int) -> Tensor:
    """The largest magnitude of each output's partial sums, in any order of the terms: float64, exact.

    weights, bias: whole numbers. Inputs are 0 to largest_input.
    """
    flat, bias = weights.flatten(1).double(), bias.double()
    high = flat.clamp(min=0).sum(dim=1) * largest_input + bias.clamp(min=0)
    low = flat.clamp(max=0).sum(dim=1) * largest_input + bias.clamp(max=0)
    return torch.maximum(high, -low)


def requantisation(ratio: Tensor, sums: Tensor) -> tuple[Tensor, int]:
    """The multipliers, int32 (outputs,), and the shift that approximate `ratio` without overflowing 32 bits.

    ratio: sum scale / activation scale of each output. sums: their largest magnitudes. Raises Diverged.
    """
    ratio = ratio.double()
    largest_ratio, largest_result = ratio.max().item(), (ratio * sums).max().item()
    if not (largest_ratio > 0 and math.isfinite(largest_result)):
        raise Diverged
    most = _LARGEST_MULTIPLIER / largest_ratio
    if largest_result > 0:
        most = min(most, 2**30 / largest_result)
    if most < 2:
        raise Diverged
    shift = min(_LARGEST_SHIFT, math.floor(math.log2(most)))
    multiplier = _multipliers(ratio, shift)
    # Rounding a multiplier up may reach one bit more.
    while ((sums * multiplier).max().item() + 2 ** (shift - 1)) > INT32_MAX:
        shift -= 1
        multiplier = _multipliers(ratio, shift)
    return multiplier.to(torch.int32), shift


def _multipliers(ratio: Tensor, shift: int) -> Tensor:
    return (ratio * (1 << shift)).round().clamp(1, _LARGEST_MULTIPLIER)
