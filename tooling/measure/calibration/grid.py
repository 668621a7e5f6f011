"""The networks that `calibrate` measures: layers of many shapes, with random weights from fixed seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from common.errors import UserError
from compiler import lower, resources
from compiler.network import (
    DIGITS,
    IMAGE,
    AvgPool2d,
    Conv2d,
    Layer,
    Linear,
    MaxPool2d,
    Model,
    Normalise,
    Requantisation,
    Tensor,
    image,
)

# How many networks of each kind, and the largest layer among them: so the grid takes a minute or two.
_LANES, _WINOGRAD, _CONVOLUTIONS, _POOLINGS, _LINEAR, _NORMALISE = 64, 80, 60, 40, 48, 12
_MACS = 60_000

# The most weights of 1 or -1 in a filter whose sums fit 16 bits; activations are at most 127, biases 50.
_LANE_WEIGHTS = 250

_SIDES = (2, 3, 5, 7, 8, 9, 12, 14, 17, 22, 30)  # of pictures between layers, in rows and in columns
_LARGE = image((1, 32, 32))  # the images that such pictures are made of
_IMAGE_SIDES = (8, 12, 21, 28, 28, 32, 40, 64)

_MAXIMA = (15, 63, 100, 127)  # 100 needs a comparison; the others saturate by one instruction


@dataclass(frozen=True)
class Sample:
    """A network and its step that is measured."""

    model: Model
    step: int


def samples() -> Iterator[Sample]:
    """All networks of the grid, always the same."""
    for make, count in (
        (_lanes, _LANES),
        (_convolution, _CONVOLUTIONS),
        (_pooling, _POOLINGS),
        (_linear, _LINEAR),
        (_winograd, _WINOGRAD),
        (_normalise, _NORMALISE),
    ):
        generator = np.random.default_rng(len(make.__name__))
        found = 0
        while found < count:
            try:
                source, layers, measured = make(generator)
                model = _model(generator, source, layers)
            except UserError:  # the window is larger than the picture, say
                continue
            steps = lower.steps(model)
            step = next((step for step in steps if step.layer is measured), steps[-1])
            if step.macs <= _MACS and resources.measure(model).fits:
                yield Sample(model, steps.index(step))
                found += 1


def _lanes(rng: np.random.Generator) -> tuple[Tensor, list[Layer], Layer]:
    """A 3x3 convolution whose sums fit 16 bits, pooled over 2x2 or not."""
    channels = int(rng.choice([1, 1, 2, 3, 3, 4, 5, 8, 16, 28, 32, 48, 64]))
    source, before = _picture(rng, channels)
    outputs = 2 * int(rng.integers(1, 4))
    weights = np.zeros((outputs, channels, 3, 3), np.int8)
    for row in weights.reshape(outputs, -1):
        places = rng.permutation(row.size)[:_LANE_WEIGHTS]
        row[places] = rng.choice(np.array([-1, 1], np.int8), len(places))
    layer = Conv2d(
        weights,
        _bias(rng, outputs),
        _rule(rng, outputs),
        weight_bits=int(rng.choice([8, 4, 2])),
        padding=int(rng.integers(2)),
        input_shift=1 if source.high == 255 and not before else int(rng.integers(2)),
    )
    pool = [MaxPool2d(2, 2)] if rng.integers(2) else []
    return source, [*before, layer, *pool], layer


def _winograd(rng: np.random.Generator) -> tuple[Tensor, list[Layer], Layer]:
    """A 3x3 convolution whose inputs have 6 bits and whose sums fit 15 bits, pooled over 2x2 or not."""
    channels = int(rng.choice([2, 3, 4, 5, 8, 12, 16, 28, 30, 32, 48, 64]))
    outputs = 2 * int(rng.integers(1, 5))
    weights = np.zeros((outputs, channels, 3, 3), np.int8)
    for row in weights.reshape(outputs, -1):
        places = rng.permutation(row.size)[:_LANE_WEIGHTS]
        row[places] = rng.choice(np.array([-1, 1], np.int8), len(places))
    layer = Conv2d(
        weights, _bias(rng, outputs), _rule(rng, outputs), weight_bits=4, padding=int(rng.integers(2))
    )
    pool = [MaxPool2d(2, 2)] if rng.integers(2) else []
    source, before = _picture(rng, channels, maxima=(63,))
    return source, [*before, layer, *pool], layer


def _convolution(rng: np.random.Generator) -> tuple[Tensor, list[Layer], Layer]:
    """Any convolution."""
    channels = int(rng.choice([1, 2, 3, 4, 6, 8]))
    is_depthwise = channels > 1 and rng.integers(3) == 0
    outputs = channels if is_depthwise else int(rng.integers(1, 6))
    window = rng.choice([1, 2, 3, 3, 4, 5], 2)
    bits = int(rng.choice([8, 8, 4, 2]))
    layer = Conv2d(
        _weights(rng, (outputs, 1 if is_depthwise else channels, *window), bits),
        _bias(rng, outputs),
        _rule(rng, outputs),
        weight_bits=bits,
        padding=int(rng.integers(min(2, window.min()))),
        stride=int(rng.choice([1, 1, 2])),
        groups=channels if is_depthwise else 1,
        input_shift=int(rng.choice([0, 0, 1])),
    )
    size = int(rng.choice([1, 1, 2, 3]))
    pool = [MaxPool2d(size, size)] if size > 1 else []
    source, before = _picture(rng, channels)
    return source, [*before, layer, *pool], layer


def _pooling(rng: np.random.Generator) -> tuple[Tensor, list[Layer], Layer]:
    """A pooling that stands alone."""
    size = int(rng.choice([2, 2, 3, 4, 5, 7, 12, 17, 22]))
    kind = MaxPool2d if rng.integers(2) else AvgPool2d
    # Overlapping windows keep max pooling from joining the convolution before it.
    layer = kind(size, int(rng.integers(1, size)))
    source, before = _picture(rng, int(rng.choice([1, 2, 3, 4, 8])))
    return source, [*before, layer], layer


def _linear(rng: np.random.Generator) -> tuple[Tensor, list[Layer], Layer | None]:
    """A fully connected layer of any size, or the one that gives the logits."""
    inputs, outputs = (
        int(rng.choice([10, 16, 23, 32, 48, 77, 96, 144])),
        int(rng.choice([2, 4, 5, 6, 7, 10, 12, 18])),
    )
    bits = int(rng.choice([8, 8, 4, 2]))
    before = Linear(_weights(rng, (inputs, IMAGE.count), 2), _bias(rng, inputs), _rule(rng, inputs), 2)
    if rng.integers(3) == 0:
        return IMAGE, [before], None
    layer = Linear(
        _weights(rng, (outputs, inputs), bits),
        _bias(rng, outputs),
        _rule(rng, outputs),
        bits,
        input_shift=int(rng.choice([0, 0, 1])),
    )
    return IMAGE, [before, layer], layer


def _normalise(rng: np.random.Generator) -> tuple[Tensor, list[Layer], Layer]:
    """Local normalisation of the image, or of a picture of any size."""
    layer = Normalise()
    window = int(rng.choice([0, 1, 3, 5, 8, 13, 20]))
    if window == 0:
        return IMAGE, [layer], layer
    before = Conv2d(_weights(rng, (1, 1, window, window), 2), _bias(rng, 1), _rule(rng, 1), weight_bits=2)
    return IMAGE, [before, layer], layer


def _picture(
    rng: np.random.Generator, channels: int, maxima: tuple[int, ...] = _MAXIMA
) -> tuple[Tensor, list[Layer]]:
    """Images, and a layer that makes pictures of any size with this number of channels if they have not."""
    if channels == 1:
        return image((1, *(int(side) for side in rng.choice(_IMAGE_SIDES, 2)))), []
    if channels == 3 and maxima is _MAXIMA and rng.integers(2):
        return image((3, *(int(side) for side in rng.choice(_IMAGE_SIDES, 2)))), []
    window = [
        side + 1 - int(chosen) for side, chosen in zip(_LARGE.shape[1:], rng.choice(_SIDES, 2), strict=True)
    ]
    weights = _weights(rng, (channels, 1, *window), 2)
    return _LARGE, [Conv2d(weights, _bias(rng, channels), _rule(rng, channels, maxima), weight_bits=2)]


def _model(rng: np.random.Generator, source: Tensor, layers: list[Layer]) -> Model:
    """These layers, and one that gives the logits."""
    last_input = source
    for layer in layers:
        last_input = layer.output(last_input)
    last = Linear(_weights(rng, (len(DIGITS), last_input.count), 8), _bias(rng, len(DIGITS)))
    return Model("calibration", (*layers, last), 1e-5, input=source)


def _weights(rng: np.random.Generator, shape: tuple[int, ...], bits: int) -> np.ndarray:
    """Small weights, so that no sum overflows."""
    largest = min(2 ** (bits - 1) - 1, 7)
    return rng.integers(-largest, largest, shape, np.int8, endpoint=True)


def _bias(rng: np.random.Generator, outputs: int) -> np.ndarray:
    return rng.integers(-50, 50, outputs, np.int32, endpoint=True)


def _rule(rng: np.random.Generator, outputs: int, maxima: tuple[int, ...] = _MAXIMA) -> Requantisation:
    return Requantisation(rng.integers(50, 200, outputs).astype(np.int16), 14, int(rng.choice(maxima)))
