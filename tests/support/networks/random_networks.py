"""Networks of random weights for the tests: every kind of layer, and values at both ends of their ranges."""

from __future__ import annotations

from typing import Any

import numpy as np

from compiler.network import (
    IMAGE,
    AvgPool2d,
    Conv2d,
    Layer,
    Linear,
    MaxPool2d,
    Model,
    Normalise,
    Requantisation,
)


class Builder:
    """Adds layers one after the other; each gets its input's shape from the one before."""

    def __init__(self, seed: int, extreme: bool = False) -> None:
        """extreme: only the smallest and the largest weights, and requantisation at the edge of 32 bits."""
        self.generator = np.random.default_rng(seed)
        self.extreme = extreme
        self.layers: list[Layer] = []
        self.tensors = [IMAGE]

    def conv(
        self,
        outputs: int,
        kernel: int | tuple[int, int] = 3,
        bits: int = 8,
        groups: int = 1,
        maximum: int = 127,
        **options: Any,
    ) -> Builder:
        channels = self.tensors[-1].shape[0] // groups
        kernel = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        weights = self._weights((outputs, channels, *kernel), bits)
        rule = self._requantisation(weights, maximum, options.get("input_shift", 0))
        return self._add(
            Conv2d(weights, self._bias(outputs), rule, weight_bits=bits, groups=groups, **options)
        )

    def hidden(self, outputs: int, bits: int = 8, maximum: int = 127, **options: Any) -> Builder:
        weights = self._weights((outputs, self.tensors[-1].count), bits)
        rule = self._requantisation(weights, maximum, options.get("input_shift", 0))
        return self._add(Linear(weights, self._bias(outputs), rule, weight_bits=bits, **options))

    def maxpool(self, size: int, stride: int | None = None) -> Builder:
        return self._add(MaxPool2d(size, stride or size))

    def avgpool(self, size: int, stride: int | None = None) -> Builder:
        return self._add(AvgPool2d(size, stride or size))

    def normalise(self, span: int = 48) -> Builder:
        return self._add(Normalise(span))

    def model(self, bits: int = 8, name: str = "random") -> Model:
        weights = self._weights((10, self.tensors[-1].count), bits)
        self._add(Linear(weights, self._bias(10), weight_bits=bits))
        return Model(name, tuple(self.layers), 1e-5)

    def _add(self, layer: Layer) -> Builder:
        self.tensors.append(layer.output(self.tensors[-1]))
        self.layers.append(layer)
        return self

    def _weights(self, shape: tuple[int, ...], bits: int) -> np.ndarray:
        largest = 2 ** (bits - 1) - 1
        if self.extreme:
            ends = [-128 if bits == 8 else -largest, largest]
            return self.generator.choice(np.array(ends, np.int8), shape)
        return self.generator.integers(-largest, largest, shape, np.int8, endpoint=True)

    def _bias(self, outputs: int) -> np.ndarray:
        return self.generator.integers(-300, 300, outputs, np.int32, endpoint=True)

    def _requantisation(self, weights: np.ndarray, maximum: int, input_shift: int) -> Requantisation:
        """Multipliers that spread typical sums over 0 to maximum, or the largest that are allowed."""
        largest = self.tensors[-1].high >> input_shift
        sums = np.abs(weights.astype(np.int64)).reshape(len(weights), -1).sum(axis=1) * largest + 300
        room = (2**31 - 1 - 2**16) // sums.max()
        if self.extreme:
            multiplier = np.full(len(weights), min(room, 32767), np.int16)
            shift = int(np.log2(float(sums.max()) * float(multiplier[0]) / maximum)) if maximum > 1 else 17
            return Requantisation(multiplier, min(max(shift, 1), 17), maximum)
        typical = sums / np.sqrt(weights[0].size)
        shift = 17
        while shift > 1 and (maximum / typical * 2.0**shift).max() > min(room, 32767):
            shift -= 1
        scaled = maximum / typical * 2.0**shift * self.generator.uniform(0.5, 1, len(weights))
        return Requantisation(np.clip(np.rint(scaled), 1, 32767).astype(np.int16), shift, maximum)


def networks(extreme: bool = False) -> dict[str, Model]:
    """Models that take every kind of layer through its options, by name."""

    def build(seed: int) -> Builder:
        return Builder(seed, extreme)

    return {
        "convolutions": build(1).conv(4).maxpool(2).conv(6, bits=4).maxpool(2).conv(5, bits=2).model(4),
        "padding_and_stride": build(2).conv(3, 5, padding=2, stride=2).conv(4, (3, 2), padding=1).model(2),
        "depthwise": build(3).conv(4, 3, stride=3).conv(4, groups=4, bits=4).conv(6, 1).maxpool(3).model(),
        "groups": build(4).conv(6, 4, stride=4).conv(9, groups=3, padding=1, maximum=15).model(),
        "image_shifted": build(5).conv(5, input_shift=3, maximum=1).maxpool(2, 3).conv(4, 2).model(),
        "pools_alone": build(6)
        .maxpool(2)
        .avgpool(3, 2)
        .conv(3, maximum=255)
        .maxpool(3, 1)
        .avgpool(2)
        .model(),
        "mean_of_all": build(7).conv(4).avgpool(26).model(),
        "pooled_in_part": build(8).conv(3, 4).maxpool(4, 5).conv(2, 2, padding=1).maxpool(2).model(),
        "normalised": build(10).normalise().conv(4, input_shift=1).maxpool(2).model(),
        "normalised_in_part": build(11).normalise(7).conv(3, 5, stride=3).model(),
        "perceptron": build(9).hidden(33, input_shift=1).hidden(17, 4, maximum=63).model(2),
    }
