"""The models. To add one, write a class here and type `./inv train --model NAME`.

A model is a sequence of layers. It takes images (N, 1, 28, 28), 0 for background to 1 for full ink, and gives
10 logits. Its recipe says how it is trained. Its name is the name of the class in lower case. The supported
layers are listed in quantise/conversion.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from torch import nn

from common.errors import UserError
from data.mnist import CLASSES, COLS, ROWS
from training.recipe import Augmentation, Quantisation, Recipe
from training.settings import RunSettings


class Network(nn.Sequential):
    """The base of all models: a subclass can be trained by its name."""

    recipe: ClassVar[Recipe]
    known: ClassVar[dict[str, type[Network]]] = {}

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        Network.known[cls.__name__.lower()] = cls


class Linear(Network):
    """The original demo's model: one layer with a weight for each pixel and class."""

    recipe = Recipe(epochs=25, batch_size=256, learning_rate=2e-3, weight_decay=0.1)

    def __init__(self) -> None:
        layer = nn.Linear(ROWS * COLS, CLASSES)
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

    def __init__(self) -> None:
        super().__init__(
            *_convolution(1, 16),
            nn.MaxPool2d(2),
            *_convolution(16, 28),
            nn.MaxPool2d(2),
            *_convolution(28, 30, padding=1),
            *_convolution(30, 48),
            nn.Flatten(),
            nn.Linear(48 * 3 * 3, CLASSES),
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

    def __init__(self) -> None:
        super().__init__(
            *_convolution(1, 32, padding=1),
            nn.MaxPool2d(2),
            *_convolution(32, 32),
            *_convolution(32, 64),
            nn.MaxPool2d(2),
            *_convolution(64, 56, padding=1),
            *_convolution(56, 56),
            nn.Flatten(),
            nn.Linear(56 * 3 * 3, CLASSES),
        )


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


def settings(name: str, seed: int) -> RunSettings:
    """The settings of a full run of a model with this seed. Raises UserError like find()."""
    model = find(name)
    return RunSettings(name, str(model()), model.recipe.changed(seed=seed).as_json())


def _convolution(channels: int, outputs: int, padding: int = 0) -> tuple[nn.Module, ...]:
    """A 3x3 convolution with batch normalisation, which replaces the bias, and ReLU."""
    convolution = nn.Conv2d(channels, outputs, 3, padding=padding, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()
