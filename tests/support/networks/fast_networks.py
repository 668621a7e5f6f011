"""Networks of layers that the fast kernels take, with random and with extreme weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from common.limits import MAX_CLASSES, MAX_IMAGE_BYTES, MAX_SIDE, MIN_CLASSES, MIN_SIDE
from compiler import resources
from compiler.kernels.conv3x3_lanes import LANE_MAX
from compiler.network import IMAGE, Conv2d, Layer, Linear, MaxPool2d, Model, Requantisation, Tensor, image


class Network:
    """Layers that the fast kernels take, one after the other.

    extreme: weights at both ends of their range, up to the limit of the two lanes of a word, and a bias that
    brings the sum to the very end of its lane.
    """

    def __init__(self, seed: int, extreme: bool = False, source: Tensor = IMAGE, classes: int = 10) -> None:
        self.generator = np.random.default_rng(seed)
        self.extreme = extreme
        self.layers: list[Layer] = []
        self.tensors = [source]
        self.classes = classes

    def conv(
        self, outputs: int, bits: int = 8, pool: bool = False, maximum: int = 127, **options: Any
    ) -> Network:
        source = self.tensors[-1]
        shape = (outputs, source.shape[0], 3, 3)
        filters = [
            self._filter(shape[1:], bits, source.high >> options.get("input_shift", 0))
            for _ in range(outputs)
        ]
        weights = np.array([weights for weights, _ in filters], np.int8)
        bias = np.array([bias for _, bias in filters], np.int32)
        # Sums reach 15 bits, and the multiplier may have as many.
        multiplier = self.generator.integers(1, 32768, outputs).astype(np.int16)
        rule = Requantisation(multiplier, max(1, 29 - int(maximum).bit_length()), maximum)
        self._add(Conv2d(weights, bias, rule, weight_bits=bits, **options))
        if pool:
            self._add(MaxPool2d(2, 2))
        return self

    def hidden(self, outputs: int, maximum: int = 127) -> Network:
        inputs = self.tensors[-1].count
        weights = self._any_weights((outputs, inputs))
        largest = int(np.abs(weights.astype(np.int64)).sum(axis=1).max()) * self.tensors[-1].high + 1000
        multiplier = np.full(outputs, max(1, min(32767, 2**30 // largest)), np.int16)
        bias = self.generator.integers(-1000, 1000, outputs, np.int32, endpoint=True)
        return self._add(Linear(weights, bias, Requantisation(multiplier, 20, maximum)))

    def model(self) -> Model:
        classes = self.classes
        weights = self._any_weights((classes, self.tensors[-1].count))
        room = 2**31 - 1 - int(weights.astype(np.int64).clip(0).sum(axis=1).max()) * self.tensors[-1].high
        bias = self.generator.integers(-room, room, classes, np.int32, endpoint=True)
        self._add(Linear(weights, bias))
        names = tuple(f"class-{label}" for label in range(classes))
        return Model("random", tuple(self.layers), 1e-9, input=self.tensors[0], class_names=names)

    def _add(self, layer: Layer) -> Network:
        self.tensors.append(layer.output(self.tensors[-1]))
        self.layers.append(layer)
        return self

    def _any_weights(self, shape: tuple[int, ...]) -> np.ndarray:
        if self.extreme:
            return self.generator.choice(np.array([-128, 127], np.int8), shape)
        return self.generator.integers(-128, 127, shape, np.int8, endpoint=True)

    def _filter(self, shape: tuple[int, ...], bits: int, largest_input: int) -> tuple[np.ndarray, int]:
        """Weights and a bias whose sums stay within 16 bits."""
        end = 2 ** (bits - 1) - 1
        weights = np.zeros(shape, np.int8)
        room = {1: LANE_MAX, -1: LANE_MAX}
        for place in self.generator.permutation(weights.size):
            size = end if self.extreme else int(self.generator.integers(0, end, endpoint=True))
            sign = int(self.generator.choice([1, -1]))
            if size * largest_input <= room[sign]:
                weights.flat[place] = sign * size
                room[sign] -= size * largest_input
        if self.extreme:
            return weights, int(self.generator.choice([room[1], -room[-1]]))
        return weights, int(self.generator.integers(-room[-1], room[1], endpoint=True))


def networks(extreme: bool) -> dict[str, Model]:
    def network(seed: int) -> Network:
        return Network(seed, extreme)

    return {
        "linear": network(1).model(),
        "conv": network(2).conv(2, maximum=255).model(),
        "pooled": network(3).conv(4, pool=True).conv(6, 4, pool=True).conv(8, 4).model(),
        "two_bits": network(4).conv(6, 2, pool=True, maximum=15).conv(4, 2, maximum=1).model(),
        "shifted": network(5).conv(2, input_shift=1, pool=True).conv(2, 8, maximum=63).model(),
        "overlapping": network(6).conv(4, 4, pool=True).conv(4, 4).conv(2, 4, pool=True).model(),
        "odd_channels": network(7).conv(2, 4, pool=True).conv(2, 2, pool=True, maximum=7).conv(16, 8).model(),
        "padded": network(9).conv(4, pool=True, padding=1).conv(2, 4, padding=2).conv(2, pool=True).model(),
        "padded_and_shifted": network(10)
        .conv(4, pool=True, padding=1, input_shift=1)
        .conv(6, 4, pool=True)
        .conv(8, 4, pool=True, padding=1)
        .model(),
        "rows_of_five": network(11)
        .conv(2, 4, pool=True)
        .conv(2, 4, pool=True)
        .conv(6, 4, padding=1)
        .conv(16, 4)
        .model(),
        "hidden": network(8).hidden(32).hidden(18, maximum=255).model(),
        "odd_sizes": network(12).hidden(33).hidden(7).hidden(5).model(),
    }


def random_images(seed: int) -> Model:
    """Two convolutions of random shapes on images of a random shape, with a random number of classes."""
    generator = np.random.default_rng(seed)
    while True:
        model = _random_images(generator, seed)
        if resources.measure(model).fits:
            return model


def _random_images(generator: np.random.Generator, seed: int) -> Model:
    channels = int(generator.choice([1, 3]))
    largest = MAX_IMAGE_BYTES // channels
    rows = int(generator.integers(MIN_SIDE, min(MAX_SIDE, largest // MIN_SIDE), endpoint=True))
    columns = int(generator.integers(MIN_SIDE, min(MAX_SIDE, largest // rows), endpoint=True))
    classes = int(generator.integers(MIN_CLASSES, MAX_CLASSES, endpoint=True))
    network = Network(seed, bool(seed % 2), image((channels, rows, columns)), classes)
    return _random_convolutions(network, generator, 2)


def random_shapes(seed: int) -> Model:
    """Three convolutions, each of a random shape."""
    return _random_convolutions(Network(seed, extreme=bool(seed % 2)), np.random.default_rng(seed), 3)


def _random_convolutions(network: Network, generator: np.random.Generator, count: int) -> Model:
    for _ in range(count):
        smallest = min(network.tensors[-1].shape[1:])
        pool = smallest >= 12 and bool(generator.integers(4))
        network.conv(
            outputs=2 * int(generator.integers(1, 4)),
            bits=int(generator.choice([8, 4, 2])),
            pool=pool,
            maximum=int(generator.integers(1, 128)),
            input_shift=int(generator.integers(0, 3)),
            padding=int(generator.integers(0, 2)) if smallest >= 5 else 1,
        )
    return network.model()
