"""Untrained networks for images of any shape: with them, tests run the whole chain without a data set.

Their weights are random, but every layer gives values all over its range, and the fast kernels apply.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from compiler import model_file, reference
from compiler.network import Conv2d, Layer, Linear, MaxPool2d, Model, Requantisation, Tensor, image
from data import sample
from data.examples import Examples
from pictures.preparation import Preparation

# Names that need care in C and on the link: quotes, separators, a format, a trigraph, the longest one.
_NAMES = ("T-shirt/top", '"a,b"', "%s=%n;", "\\what??/", "sixteen-letters!")

# The shapes and class names that link, suites and fuzzers run with, by the names of their models.
SHAPES: dict[str, tuple[tuple[int, int, int], tuple[str, ...]]] = {
    "grey-8x8": ((1, 8, 8), tuple("0123456789")),
    "grey-28x28": ((1, 28, 28), tuple("abcdefghijklmnopqrstuvwxyz")),
    "grey-12x40": ((1, 12, 40), _NAMES),
    "rgb-32x32": ((3, 32, 32), tuple(f"class-{label}" for label in range(10))),
}


def save(folder: Path) -> list[Path]:
    """Write the model files of SHAPES into a folder, with samples beside them. Returns the models' paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, (shape, class_names) in SHAPES.items():
        model = network(name, shape, class_names)
        path = folder / f"{name}.npz"
        model_file.save(model, path)
        sample.write(path, examples(model))
        paths.append(path)
    return paths


def examples(model: Model, count: int = sample.COUNT) -> Examples:
    """Noise, and the classes that the network takes it for."""
    images = np.random.default_rng(count).integers(0, 256, (count, *model.input.shape), np.uint8)
    return Examples(images, reference.predict(model, images))


def network(name: str, shape: Sequence[int], class_names: Sequence[str], seed: int = 1) -> Model:
    """Two convolutions with pooling, and a fully connected layer.

    shape: of the images, (channels, rows, columns). Raises UserError if the limits are exceeded.
    """
    generator = np.random.default_rng(seed)
    first = _convolution(generator, image(shape), outputs=8, weight_bits=8, input_shift=2)
    layers: list[Layer] = [first, MaxPool2d(2, 2)]
    tensor = layers[1].output(first.output(image(shape)))
    layers.append(_convolution(generator, tensor, outputs=12, weight_bits=4))
    tensor = layers[-1].output(tensor)
    if min(tensor.shape[1:]) >= 4:
        layers.append(MaxPool2d(2, 2))
        tensor = layers[-1].output(tensor)
    weights = generator.integers(-127, 127, (len(class_names), tensor.count), np.int8, endpoint=True)
    model = Model(
        name,
        (*layers, Linear(weights, np.zeros(len(class_names), np.int32))),
        1e-3,
        {"untrained": seed},
        input=image(shape),
        class_names=tuple(class_names),
        preparation=Preparation("fit", "light"),
    )
    # With a mean of zero, each logit is sometimes the largest one.
    noise = generator.integers(0, 256, (20, *shape), np.uint8)
    bias = -reference.run(model, noise).mean(axis=0).round().astype(np.int32)
    return replace(model, layers=(*layers, Linear(weights, bias)))


def _convolution(
    generator: np.random.Generator, source: Tensor, outputs: int, weight_bits: int, input_shift: int = 0
) -> Conv2d:
    """A padded 3x3 convolution whose sums fit the lanes of the fast kernels."""
    terms = 9 * source.shape[0]
    # The sum of a filter's weights is at most 15 bits' worth of the largest input.
    largest = max(1, min(2 ** (weight_bits - 1) - 1, 2**14 // (terms * (source.high >> input_shift))))
    weights = generator.integers(-largest, largest, (outputs, source.shape[0], 3, 3), np.int8, endpoint=True)
    bias = generator.integers(-50, 50, outputs, np.int32, endpoint=True)
    typical = (source.high >> input_shift) * np.sqrt((weights.astype(int) ** 2).sum(axis=(1, 2, 3)) / 3 + 1)
    multiplier = np.clip(np.rint(63 * 2**16 / (2 * typical)), 1, 2**15 - 1).astype(np.int16)
    return Conv2d(
        weights,
        bias,
        Requantisation(multiplier, 16, 63),
        weight_bits=weight_bits,
        input_shift=input_shift,
        padding=1,
    )
