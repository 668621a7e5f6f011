"""The models. To add one, write a class here and type `./inv train --model NAME`.

A model is a sequence of layers. It takes images (N, channels, rows, columns), 0 for background to 1 for full
ink, and gives a logit for each class. Its recipe says how it is trained, and on which data. Its name is the
name of the class in lower case. The supported layers are listed in quantise/conversion.py.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from torch import nn

from common.errors import UserError
from data import mnist
from data.examples import Interface, Shape
from data.mnist import CLASSES, COLS, ROWS
from training.recipe import Augmentation, Quantisation, Recipe
from training.settings import MOST_IMAGES, RunSettings, mnist_description

MNIST: Shape = (1, ROWS, COLS)


class Network(nn.Sequential):
    """The base of all models: a subclass can be trained by its name.

    Its constructor takes the shape of the images and the number of classes, or nothing if its layers suit one
    shape and number only.
    """

    recipe: ClassVar[Recipe]
    known: ClassVar[dict[str, type[Network]]] = {}

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        Network.known[cls.__name__.lower()] = cls


class Linear(Network):
    """The original demo's model: one layer with a weight for each pixel and class."""

    recipe = Recipe(epochs=25, batch_size=256, learning_rate=2e-3, weight_decay=0.1)

    def __init__(self, shape: Shape = MNIST, classes: int = CLASSES) -> None:
        layer = nn.Linear(math.prod(shape), classes)
        # Pixels that are background in every training image keep the weight 0, not a random one.
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
        super().__init__(nn.Flatten(), layer)


_CONVOLUTIONAL = Recipe(
    epochs=48,
    batch_size=128,
    learning_rate=4e-3,
    weight_decay=0.3,
    warmup_steps=300,
    label_smoothing=0.05,
    average=0.998,
    integer_epochs=12,
    integer_learning_rate=3e-4,
    augmentation=Augmentation(rotation=8, scale=0.08, shear=0.1, shift=1.5),
)


class Cnn(Network):
    """The default: four convolutions, few channels where the image is large and more where it is small.

    Multiplications decide the time on the chip, and most weights lie where there are few positions.
    """

    recipe = replace(
        _CONVOLUTIONAL,
        quantisation=Quantisation(
            weight_bits=(8, 4, 4, 4, 8), activation_maximum=63, input_shift=1, lanes=True
        ),
    )

    def __init__(self, shape: Shape = MNIST, classes: int = CLASSES) -> None:
        super().__init__(
            *_convolution(shape[0], 16),
            nn.MaxPool2d(2),
            *_convolution(16, 28),
            nn.MaxPool2d(2),
            *_convolution(28, 30, padding=1),
            *_convolution(30, 48),
            nn.Flatten(),
            nn.Linear(48 * 3 * 3, classes),
        )


class Max(Network):
    """The most accurate model that fits the chip's flash: one more convolution in the middle, which sees
    strokes instead of edges, and about three times the weights of `cnn`.
    """

    recipe = replace(
        _CONVOLUTIONAL,
        epochs=32,
        integer_epochs=10,
        augmentation=Augmentation(rotation=10, scale=0.1, shear=0.15, shift=2),
        quantisation=Quantisation(
            weight_bits=(8, 4, 4, 4, 4, 8), activation_maximum=63, input_shift=1, lanes=True
        ),
    )

    def __init__(self, shape: Shape = MNIST, classes: int = CLASSES) -> None:
        super().__init__(
            *_convolution(shape[0], 32, padding=1),
            nn.MaxPool2d(2),
            *_convolution(32, 32),
            *_convolution(32, 64),
            nn.MaxPool2d(2),
            *_convolution(64, 56, padding=1),
            *_convolution(56, 56),
            nn.Flatten(),
            nn.Linear(56 * 3 * 3, classes),
        )


class Small(Network):
    """A small network for any data: its layers follow from the shape of the images and the number of classes.

    Each of three steps halves the sides that are still long enough, and the first one does so at once in
    large images, whose activations would not fit the chip's SRAM.
    """

    recipe = replace(
        _CONVOLUTIONAL,
        epochs=40,
        batch_size=32,
        weight_decay=0.1,
        warmup_steps=50,
        average=0.99,
        integer_epochs=10,
        augmentation=Augmentation(rotation=5, scale=0.1, shift=1),
    )

    def __init__(self, shape: Shape = MNIST, classes: int = CLASSES) -> None:
        inputs, rows, columns = shape
        layers: list[nn.Module] = []
        for channels in (12, 16, 24):
            stride = 2 if not layers and max(rows, columns) > 32 else 1
            rows, columns = -(-rows // stride), -(-columns // stride)
            layers += _convolution(inputs, channels, padding=1, stride=stride)
            inputs = channels
            if min(rows, columns) >= 4:
                layers.append(nn.MaxPool2d(2))
                rows, columns = rows // 2, columns // 2
        super().__init__(*layers, nn.Flatten(), nn.Linear(inputs * rows * columns, classes))


def find(name: str) -> type[Network]:
    """The class of a model.

    Raises UserError if there is none of this name, if it overrides `forward`, or if its recipe is missing or
    has a value out of range.
    """
    if name not in Network.known:
        known = ", ".join(sorted(Network.known))
        raise UserError(f"There is no model {name!r} in training/models.py, only {known}.")
    found = Network.known[name]
    if found.forward is not nn.Sequential.forward:
        raise UserError(
            f"Model {name} defines its own forward(): a model must be a plain sequence of layers."
        )
    recipe = getattr(found, "recipe", None)
    if not isinstance(recipe, Recipe):
        raise UserError(f"Model {name} has no recipe: give its class a recipe = Recipe(...).")
    try:
        recipe.check()
    except UserError as error:
        raise UserError(f"Model {name} cannot be trained: {error}.") from None
    return found


def build(model: type[Network], interface: Interface) -> Network:
    """A network with new weights for these images and classes, drawn from torch's random numbers."""
    if inspect.signature(model).parameters:
        return model(interface.shape, len(interface.class_names))
    return model()


def settings(
    name: str,
    seed: int,
    interface: Interface = mnist.INTERFACE,
    images: int = MOST_IMAGES,
    data: Mapping[str, Any] | None = None,
) -> RunSettings:
    """The settings of a full run of a model with this seed, by default on MNIST.

    images: the number of training images. data: as settings.description() gives it.
    Raises UserError like find().
    """
    model = find(name)
    recipe = model.recipe.changed(seed=seed).as_json()
    return RunSettings(name, str(build(model, interface)), recipe, images, data or mnist_description())


def _convolution(channels: int, outputs: int, padding: int = 0, stride: int = 1) -> tuple[nn.Module, ...]:
    """A 3x3 convolution with batch normalisation, which replaces the bias, and ReLU."""
    convolution = nn.Conv2d(channels, outputs, 3, stride, padding, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()
