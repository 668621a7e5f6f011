"""Models of pictures: clothes, small photos, and your own."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from data.examples import Shape
from data.mnist import CLASSES
from training.models.digits import Cnn
from training.models.network import CONVOLUTIONAL, MNIST, Network, convolution
from training.recipe import Augmentation, Quantisation

# Clothes fill the frame and stand upright. Most mean the same mirrored.
_CLOTHES = replace(
    CONVOLUTIONAL,
    data="fashion-mnist",
    bfloat16=True,
    augmentation=Augmentation(rotation=3, scale=0.05, shift=1, flip=True),
)

_CIFAR10: Shape = (3, 32, 32)


class Fashion(Network):
    """Clothes, as accurately as the flash allows: most of the work lies between the two poolings, and the
    mean of the last 5x5 positions saves the weights of a large last layer.
    """

    recipe = replace(
        _CLOTHES,
        epochs=24,
        integer_epochs=4,
        augmentation=replace(_CLOTHES.augmentation, shift=1.5),
        quantisation=Quantisation(
            weight_bits=(8, 4, 4, 4, 4, 8), activation_maximum=63, input_shift=1, lanes=True
        ),
    )

    def __init__(self, shape: Shape = MNIST, classes: int = CLASSES) -> None:
        super().__init__(
            *convolution(shape[0], 16, padding=1),
            nn.MaxPool2d(2),
            *convolution(16, 40),
            *convolution(40, 56),
            nn.MaxPool2d(2),
            *convolution(56, 64, padding=1),
            *convolution(64, 56, padding=1),
            nn.AvgPool2d(5),
            nn.Flatten(),
            nn.Linear(56, classes),
        )


class FashionSmall(Cnn):
    """Clothes at the cost of `cnn`, with its layers. Training keeps Winograd's bounds, which saves a quarter
    of the time.
    """

    recipe = replace(
        _CLOTHES,
        epochs=40,
        integer_epochs=8,
        quantisation=Quantisation(
            weight_bits=(8, 4, 4, 4, 8),
            activation_maximum=63,
            input_shift=1,
            lanes=True,
            winograd=(0, 2, 1, 1, 0),
        ),
    )


class Cifar10(Network):
    """Small colour photos of ten kinds of things."""

    recipe = replace(
        CONVOLUTIONAL,
        data="torchvision:CIFAR10",
        shape=_CIFAR10,
        epochs=60,
        bfloat16=True,
        augmentation=Augmentation(rotation=5, scale=0.1, shift=3, flip=True),
        quantisation=Quantisation(
            weight_bits=(8, 4, 4, 4, 4, 8), activation_maximum=63, input_shift=1, lanes=True
        ),
    )

    def __init__(self, shape: Shape = _CIFAR10, classes: int = CLASSES) -> None:
        super().__init__(
            *convolution(shape[0], 20),
            nn.MaxPool2d(2),
            *convolution(20, 40),
            *convolution(40, 48),
            nn.MaxPool2d(2),
            *convolution(48, 56, padding=1),
            *convolution(56, 56),
            nn.Flatten(),
            nn.Linear(56 * 3 * 3, classes),
        )


class Small(Network):
    """A small network for any data: its layers follow from the shape of the images and the number of classes.

    Each of three steps halves the sides that are still long enough, and the first one does so at once in
    large images, whose activations would not fit the chip's SRAM.
    """

    recipe = replace(
        CONVOLUTIONAL,
        epochs=40,
        batch_size=32,
        weight_decay=0.1,
        warmup_steps=50,
        average=0.99,
        integer_epochs=10,
        augmentation=Augmentation(rotation=5, scale=0.1, shift=1),
        quantisation=Quantisation(weight_bits=(8, 4, 4, 8), activation_maximum=63, input_shift=1, lanes=True),
    )

    def __init__(self, shape: Shape = MNIST, classes: int = CLASSES) -> None:
        inputs, rows, columns = shape
        layers: list[nn.Module] = []
        for channels in (12, 16, 24):
            stride = 2 if not layers and max(rows, columns) > 32 else 1
            rows, columns = -(-rows // stride), -(-columns // stride)
            layers += convolution(inputs, channels, padding=1, stride=stride)
            inputs = channels
            if min(rows, columns) >= 4:
                layers.append(nn.MaxPool2d(2))
                rows, columns = rows // 2, columns // 2
        super().__init__(*layers, nn.Flatten(), nn.Linear(inputs * rows * columns, classes))
