"""From the layers of a float network to the stages of a quantised one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor, nn

from common.errors import UserError
from training.errors import Diverged
from training.quantise import pooling
from training.quantise.bounds import Bounds
from training.quantise.normalise import Normalise
from training.quantise.scales import per_output
from training.quantise.stages import Convolution, Ranges, Stage, WeightedStage
from training.recipe import Quantisation

SUPPORTED = (
    nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d, nn.ReLU, nn.Hardtanh, *pooling.STAGES, nn.Flatten,
)  # fmt: skip

M = TypeVar("M", bound=nn.Module)


class _Layers:
    """The layers of a network, taken from the front."""

    def __init__(self, network: nn.Sequential) -> None:
        names = [f"layer {index} ({type(module).__name__})" for index, module in enumerate(network)]
        self._left = deque(zip(network, names, strict=True))

    def __bool__(self) -> bool:
        return bool(self._left)

    def next(self) -> tuple[nn.Module, str]:
        """The next layer and its name in errors."""
        return self._left.popleft()

    def next_if(self, kind: type[M]) -> M | None:
        """The next layer if it is of this kind."""
        if self._left and isinstance(module := self._left[0][0], kind):
            self._left.popleft()
            return module
        return None


def stages(network: nn.Sequential, rule: Quantisation) -> Iterator[Stage]:
    """The stages of a float network, with batch normalisation folded into the weights.

    Raises UserError, with a clause, if a layer is not supported or the rule does not suit the layers.
    """
    for index, module in enumerate(network):
        with named(f"layer {index} ({type(module).__name__})"):
            _check(module)
    count = sum(isinstance(module, nn.Conv2d | nn.Linear) for module in network)
    if count == 0:
        raise UserError("it has no layer with weights")
    bits = deque(rule.bits_of_layers(count))
    maxima: deque[int | None] = deque([*rule.maxima_of_layers(count - 1), None])
    winograd = deque(rule.winograd_of_layers(count))
    if rule.input_shift not in range(8):
        raise UserError(f"its recipe has input_shift {rule.input_shift}, not one from 0 to 7")
    largest_input, input_shift = 255 >> rule.input_shift, rule.input_shift
    layers, is_flat = _Layers(network), False
    while layers:
        module, name = layers.next()
        if isinstance(module, nn.Flatten):
            is_flat = True
            continue
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.ReLU | nn.Hardtanh):
            raise UserError(f"{name} does not follow a layer with weights")
        if is_flat != isinstance(module, nn.Linear):
            raise UserError(f"{name} is on the wrong side of a Flatten, which belongs before every Linear")
        with named(name):
            if isinstance(module, nn.Conv2d | nn.Linear):
                ranges = Ranges(
                    bits.popleft(),
                    maxima.popleft(),
                    largest_input,
                    input_shift,
                    Bounds(rule.lanes, winograd.popleft()),
                )
                stage: Stage = _weighted(module, layers, ranges)
                largest_input, input_shift = ranges.maximum or 0, 0
            elif input_shift and not isinstance(module, Normalise):
                raise UserError("it takes pixels unchanged, so its recipe cannot have an input_shift")
            else:
                stage = pooling.stage(module)
        stage.name = name
        yield stage


@contextmanager
def named(name: str) -> Iterator[None]:
    """Put a layer's name before the text of a UserError."""
    try:
        yield
    except Diverged:
        raise
    except UserError as error:
        raise UserError(f"{name}: {error}") from None


def _weighted(module: nn.Conv2d | nn.Linear, layers: _Layers, ranges: Ranges) -> WeightedStage:
    """The stage of a layer with weights and of the layers behind it that belong to it."""
    norm = layers.next_if(nn.BatchNorm1d) or layers.next_if(nn.BatchNorm2d)
    _check_norm(module, norm)
    ranges.bounds.check(module, ranges.weight_bits, ranges.largest_input)
    relu = layers.next_if(nn.ReLU) or layers.next_if(nn.Hardtanh)
    if (relu is None) != (ranges.maximum is None):
        raise UserError(
            "it needs a ReLU behind it or behind its batch normalisation, "
            "except for the last layer with weights, which must not have one"
        )
    pool = layers.next_if(nn.MaxPool2d) if relu else None
    weight, bias = _folded(module, norm)
    return WeightedStage(
        weight,
        bias,
        ranges,
        _convolution(module) if isinstance(module, nn.Conv2d) else None,
        pooling.max_pooling(pool) if pool else None,
        relu.max_val if isinstance(relu, nn.Hardtanh) else None,
    )


def _check(module: nn.Module) -> None:
    """Raise UserError if the chip has no such layer, or not with these options."""
    if not isinstance(module, SUPPORTED):
        raise UserError(f"it is not supported, only {', '.join(kind.__name__ for kind in SUPPORTED)}")
    if isinstance(module, nn.Conv2d):
        paddings = module.padding if isinstance(module.padding, tuple) else ()
        if len(set(paddings)) != 1 or len(set(module.stride)) != 1:
            raise UserError("its stride and padding must each be one number for rows and columns")
        if set(module.dilation) != {1} or module.padding_mode != "zeros":
            raise UserError("it must have no dilation, and zeros as its padding")
    elif isinstance(module, tuple(pooling.STAGES)):
        pooling.stage(module)
    elif isinstance(module, nn.Hardtanh) and (module.min_val != 0 or module.max_val <= 0):
        raise UserError("it must clip to a range from 0 to a positive value")
    elif isinstance(module, nn.Flatten) and (module.start_dim, module.end_dim) != (1, -1):
        raise UserError("it must flatten all dimensions but the first")


def _check_norm(module: nn.Conv2d | nn.Linear, norm: nn.Module | None) -> None:
    """Raise UserError if a batch normalisation cannot be folded into the layer before it."""
    kind = nn.BatchNorm2d if isinstance(module, nn.Conv2d) else nn.BatchNorm1d
    outputs = len(module.weight)
    if norm is not None and not (
        isinstance(norm, kind) and norm.num_features == outputs and norm.affine and norm.track_running_stats
    ):
        raise UserError(f"the batch normalisation behind it can only be a plain {kind.__name__}({outputs})")


def _convolution(module: nn.Conv2d) -> Convolution:
    assert isinstance(module.padding, tuple)
    return Convolution(module.stride[0], module.padding[0], module.groups)


@torch.no_grad()
def _folded(
    module: nn.Conv2d | nn.Linear, norm: nn.BatchNorm1d | nn.BatchNorm2d | None
) -> tuple[Tensor, Tensor]:
    """The weights and biases of a layer together with the batch normalisation behind it."""
    weight = module.weight.clone()
    bias = weight.new_zeros(len(weight)) if module.bias is None else module.bias.clone()
    if norm is not None:
        assert norm.running_mean is not None and norm.running_var is not None
        gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weight *= per_output(gain, weight.ndim)
        bias = (bias - norm.running_mean) * gain + norm.bias
    return weight, bias
