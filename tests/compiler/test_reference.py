"""The integer reference, against loops that anybody can check, and on the whole test set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import normalise_loops
import numpy as np
import pytest
import random_networks

from common.paths import MODELS
from compiler import model_file, reference
from compiler.network import Conv2d, Linear, MaxPool2d, Model, Normalise
from data import mnist


def logits_by_loops(model: Model, image: np.ndarray) -> list[int]:
    (layer,) = model.layers
    assert isinstance(layer, Linear)
    outputs, inputs = layer.weights.shape
    pixels = [int(pixel) for row in image for pixel in row]
    return [
        int(layer.bias[o]) + sum(int(layer.weights[o, i]) * pixels[i] for i in range(inputs))
        for o in range(outputs)
    ]


@pytest.mark.parametrize(
    "low, high", [(-128, 127), (-128, -128), (127, 127)], ids=["any", "lowest", "highest"]
)
@pytest.mark.parametrize("ink", [(0, 255), (255, 255), (0, 0)], ids=["grey", "full", "empty"])
def test_logits_are_those_of_plain_loops(low: int, high: int, ink: tuple[int, int]) -> None:
    generator = np.random.default_rng(7)
    layer = Linear(
        generator.integers(low, high, (10, 784), np.int8, endpoint=True),
        generator.integers(-(10**9), 10**9, 10, np.int32),
    )
    model = Model("loops", (layer,), 1.0)
    images = generator.integers(ink[0], ink[1], (3, 28, 28), np.uint8, endpoint=True)
    logits = reference.run(model, images)
    assert logits.dtype == np.int32 and logits.shape == (3, 10)
    assert logits.tolist() == [logits_by_loops(model, image) for image in images]


def by_loops(model: Model, image: np.ndarray) -> list[int]:
    """The logits of any model, in Python's own integers."""
    values = {place: int(image[place]) for place in np.ndindex(*image.shape)}
    for layer, target in zip(model.layers, model.tensors, strict=True):
        places = list(np.ndindex(*target.shape))
        if isinstance(layer, Linear):
            inputs = [values[place] >> layer.input_shift for place in sorted(values)]
            sums = {
                (o,): int(layer.bias[o])
                + sum(int(weight) * value for weight, value in zip(layer.weights[o], inputs, strict=True))
                for (o,) in places
            }
            values = requantised(layer, sums)
        elif isinstance(layer, Conv2d):
            values = requantised(layer, {place: conv2d_sum(layer, values, *place) for place in places})
        elif isinstance(layer, Normalise):
            picture = np.array([values[place] for place in places], np.uint8).reshape(target.shape[1:])
            rows = normalise_loops.by_loops(picture, layer.span)
            values = {place: rows[place[1]][place[2]] for place in places}
        else:
            values = {place: pooled(layer, values, *place) for place in places}
    return [values[place] for place in sorted(values)]


def conv2d_sum(layer: Any, values: Mapping[Any, int], output: int, row: int, column: int) -> int:
    total = int(layer.bias[output])
    outputs, channels, *_ = layer.weights.shape
    first = output // (outputs // layer.groups) * channels
    for (_, channel, y, x), weight in np.ndenumerate(layer.weights[output : output + 1]):
        place = (
            first + channel,
            row * layer.stride - layer.padding + y,
            column * layer.stride - layer.padding + x,
        )
        total += int(weight) * (values.get(place, 0) >> layer.input_shift)
    return total


def requantised(layer: Any, sums: dict[Any, int]) -> dict[Any, int]:
    rule = layer.requantisation
    if rule is None:
        return sums
    half = 1 << (rule.shift - 1)
    scaled = {place: sums[place] * int(rule.multiplier[place[0]]) + half for place in sums}
    assert all(-(2**31) <= value < 2**31 for value in scaled.values())
    return {place: min(max(value >> rule.shift, 0), rule.maximum) for place, value in scaled.items()}


def pooled(layer: Any, values: Mapping[Any, int], channel: int, row: int, column: int) -> int:
    window = [
        values[channel, row * layer.stride + y, column * layer.stride + x]
        for y in range(layer.size)
        for x in range(layer.size)
    ]
    if isinstance(layer, MaxPool2d):
        return max(window)
    return (sum(window) * (2**22 // len(window)) + 2**21) // 2**22


@pytest.mark.parametrize("extreme", [False, True], ids=["any", "extreme"])
@pytest.mark.parametrize("name", random_networks.networks())
def test_every_kind_of_layer_is_that_of_plain_loops(name: str, extreme: bool) -> None:
    model = random_networks.networks(extreme)[name]
    image = reference.selftest_image(model)
    assert reference.run(model, image[np.newaxis])[0].tolist() == by_loops(model, image)


def test_images_may_be_flat() -> None:
    model = model_file.load(MODELS / "linear.npz")
    images = mnist.load_test_set().images[:5]
    np.testing.assert_array_equal(reference.run(model, images.reshape(5, 784)), reference.run(model, images))


@pytest.mark.parametrize(
    "images", [np.zeros((2, 28, 28)), np.zeros(784, np.uint8), np.zeros((2, 27, 28), np.uint8)]
)
def test_what_is_no_batch_of_images_is_refused(images: np.ndarray) -> None:
    with pytest.raises(ValueError):
        reference.run(model_file.load(MODELS / "linear.npz"), images)


def test_equal_logits_go_to_the_lowest_class() -> None:
    bias = np.array([1, 5, 0, 5, 5, 0, 0, 0, 0, 0], np.int32)
    model = Model("ties", (Linear(np.zeros((10, 784), np.int8), bias),), 1.0)
    assert reference.predict(model, np.zeros((1, 28, 28), np.uint8)).tolist() == [1]


@pytest.mark.parametrize(("name", "least"), [("linear", 0.923), ("cnn", 0.993)])
def test_a_committed_model_keeps_its_promise_on_all_test_images(name: str, least: float) -> None:
    model = model_file.load(MODELS / f"{name}.npz")
    measured = reference.accuracy(model, mnist.load_test_set())
    assert measured >= least
    assert measured == model.metadata["accuracy"]["test, integer"]


def test_the_self_test_image_is_the_generators() -> None:
    image = reference.selftest_image(model_file.load(MODELS / "linear.npz"))
    assert image.shape == (1, 28, 28) and image.dtype == np.uint8
    # 1664525 + 1013904223 = 0x3C88596C
    assert image[0, 0, 0] == 0x3C
    assert len(np.unique(image)) > 200
