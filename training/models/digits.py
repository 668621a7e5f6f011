"""Models of digits and letters."""

from __future__ import annotations

import math
from dataclasses import replace

from torch import nn

from data.examples import Shape
from data.mnist import CLASSES
from training.models.network import CONVOLUTIONAL, MNIST, Network, convolution
from training.quantise.normalise import Normalise
from training.recipe import Augmentation, Quantisation, Recipe


class Linear(Network):
    """The original demo's model: one layer with a weight for each pixel and class."""

    recipe = Recipe(epochs=25, batch_size=256, learning_rate=2e-3, weight_decay=0.1)

    def __init__(self, shape: Shape = MNIST, classes: int = CLASSES) -> None:
        layer = nn.Linear(math.prod(shape), classes)
        # Pixels that are background in every training image keep the weight 0, not a random one.
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
        super().__init__(nn.Flatten(), layer)


class Cnn(Network):
    """The default: four convolutions, few channels where the image is large and more where it is small.

    Multiplications decide the time on the chip, and most weights lie where there are few positions.
    """

    recipe = replace(
        CONVOLUTIONAL,
        quantisation=Quantisation(
            weight_bits=(8, 4, 4, 4, 8), activation_maximum=63, input_shift=1, lanes=True
        ),
    )

    def __init__(self, shape: Shape = MNIST, classes: int = CLASSES) -> None:
        super().__init__(
            *convolution(shape[0], 16),
            nn.MaxPool2d(2),
            *convolution(16, 28),
            nn.MaxPool2d(2),
            *convolution(28, 30, padding=1),
            *convolution(30, 48),
            nn.Flatten(),
            nn.Linear(48 * 3 * 3, classes),
        )


class CnnRobust(Cnn):
    """`cnn` for photos: local normalisation first, and training on what pens, paper and cameras do."""

    recipe = replace(
        Cnn.recipe,
        epochs=24,
        integer_epochs=6,
        augmentation=replace(CONVOLUTIONAL.augmentation, corrupted=0.4),
    )

    def __init__(self, shape: Shape = MNIST, classes: int = CLASSES) -> None:
        super().__init__(shape, classes)
        self.insert(0, Normalise())


class Max(Network):
    """The most accurate model that fits the chip's flash: one more convolution in the middle, which sees
    strokes instead of edges, and about three times the weights of `cnn`.
    """

    recipe = replace(
        CONVOLUTIONAL,
        epochs=32,
        integer_epochs=10,
        augmentation=Augmentation(rotation=10, scale=0.1, shear=0.15, shift=2),
        quantisation=Quantisation(
            weight_bits=(8, 4, 4, 4, 4, 8), activation_maximum=63, input_shift=1, lanes=True
        ),
    )

    def __init__(self, shape: Shape = MNIST, classes: int = CLASSES) -> None:
        super().__init__(
            *convolution(shape[0], 32, padding=1),
            nn.MaxPool2d(2),
            *convolution(32, 32),
            *convolution(32, 64),
            nn.MaxPool2d(2),
            *convolution(64, 56, padding=1),
            *convolution(56, 56),
            nn.Flatten(),
            nn.Linear(56 * 3 * 3, classes),
        )


class Digits8(Network):
    """The smallest: digits of 8x8 pixels, as scikit-learn has them."""

    recipe = replace(
        CONVOLUTIONAL,
        data="sklearn:digits",
        shape=(1, 8, 8),
        epochs=60,
        batch_size=64,
        warmup_steps=50,
        average=0.99,
        integer_epochs=10,
        augmentation=Augmentation(rotation=10, scale=0.1, shear=0.1, shift=0.7),
        quantisation=Quantisation(weight_bits=(8, 4, 8), activation_maximum=63, input_shift=1, lanes=True),
    )

    def __init__(self, shape: Shape = (1, 8, 8), classes: int = CLASSES) -> None:
        super().__init__(
            *convolution(shape[0], 12, padding=1),
            *convolution(12, 16),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * 3 * 3, classes),
        )


class Letters(Network):
    """The 26 letters of EMNIST, capital and small ones together: `cnn` with more filters near the end."""

    recipe = replace(
        CONVOLUTIONAL,
        data="torchvision:EMNIST",
        epochs=24,
        integer_epochs=6,
        quantisation=Quantisation(
            weight_bits=(8, 4, 4, 4, 8), activation_maximum=63, input_shift=1, lanes=True
        ),
    )

    def __init__(self, shape: Shape = MNIST, classes: int = 26) -> None:
        super().__init__(
            *convolution(shape[0], 16),
            nn.MaxPool2d(2),
            *convolution(16, 28),
            nn.MaxPool2d(2),
            *convolution(28, 40, padding=1),
            *convolution(40, 56),
            nn.Flatten(),
            nn.Linear(56 * 3 * 3, classes),
        )
