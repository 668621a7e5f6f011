"""The base of all models, and what several of them share."""

from __future__ import annotations

import re
from typing import ClassVar

from torch import nn

from data.examples import Shape
from data.mnist import COLS, ROWS
from training.recipe import Augmentation, Recipe

MNIST: Shape = (1, ROWS, COLS)

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")  # FashionSmall is known as fashion-small


class Network(nn.Sequential):
    """The base of all models: a subclass can be trained by its name.

    Its constructor takes the shape of the images and the number of classes, or nothing if its layers suit one
    shape and number only.
    """

    recipe: ClassVar[Recipe]
    known: ClassVar[dict[str, type[Network]]] = {}

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        Network.known[_WORDS.sub("-", cls.__name__).lower()] = cls


CONVOLUTIONAL = Recipe(
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


def convolution(channels: int, outputs: int, padding: int = 0, stride: int = 1) -> tuple[nn.Module, ...]:
    """A 3x3 convolution with batch normalisation, which replaces the bias, and ReLU."""
    convolution = nn.Conv2d(channels, outputs, 3, stride, padding, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()
