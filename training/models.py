"""The models, as short PyTorch modules. Add a class here and run `invoke train --model NAME`.

A model is a sequence of layers, float images (N, 1, 28, 28) with 0 = background and 1 = full ink in,
10 logits out, and a recipe: how it is trained unless the command line says otherwise. Its name is
the class's, in lower case. Supported layers: see quantise.py.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import ClassVar

from torch import nn

from common.errors import UserError
from data.mnist import CLASSES, COLS, ROWS


@dataclass(frozen=True)
class Augmentation:
    """How far an image of training may be turned, stretched, slanted and moved, each evenly distributed."""

    rotation: float = 0.0  # degrees, either way
    scale: float = 0.0  # 0.1: each side from 0.9 to 1.1 times as long
    shear: float = 0.0  # columns a row
    shift: float = 0.0  # pixels, in each direction


@dataclass(frozen=True)
class Quantisation:
    """The integers of a model. One number is meant for every layer with weights, a tuple for each in order.

    weight_bits: 8, 4 or 2. activation_maximum: the largest activation, up to 255; one less of them than
    layers, because the last gives logits. input_shift: how many low bits of a pixel do not count.
    lanes: keep every sum inside 16 bits, so that two outputs share one multiplication on the chip.
    """

    weight_bits: int | tuple[int, ...] = 8
    activation_maximum: int | tuple[int, ...] = 127
    input_shift: int = 0
    lanes: bool = False

    def bits_of_layers(self, layers: int) -> list[int]:
        """Errors: UserError where there are not as many as layers, or one cannot be."""
        return _for_each(self.weight_bits, layers, "weight_bits", (8, 4, 2), "8, 4 or 2")

    def maxima_of_layers(self, layers: int) -> list[int]:
        """Errors: UserError as `bits_of_layers`."""
        return _for_each(
            self.activation_maximum, layers, "activation_maximum", range(1, 256), "one from 1 to 255"
        )


@dataclass(frozen=True)
class Recipe:
    """How a model is trained: AdamW, its learning rate falling to zero along half a cosine.

    After the float epochs come, where there are any, those of quantisation-aware training, which begin with
    a learning rate of their own and have no weight decay. average: how much of the running average of the
    weights, which is what is judged and kept, stays at each step; 0 for none.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int = 1
    warmup_steps: int = 0
    label_smoothing: float = 0.0
    average: float = 0.0
    integer_epochs: int = 0
    integer_learning_rate: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    quantisation: Quantisation = field(default_factory=Quantisation)

    @property
    def all_epochs(self) -> int:
        """Those in float and those in integers."""
        return self.epochs + self.integer_epochs

    def of_epochs(self, epochs: int) -> Recipe:
        """The same recipe, longer or shorter, with the same share of float epochs, at least one."""
        in_float = max(1, round(epochs * self.epochs / self.all_epochs))
        return replace(self, epochs=in_float, integer_epochs=epochs - in_float)


class Network(nn.Sequential):
    """What all models are; a subclass can be trained by its name."""

    recipe: ClassVar[Recipe]
    known: ClassVar[dict[str, type[Network]]] = {}

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        Network.known[cls.__name__.lower()] = cls


class Linear(Network):
    """The original demo's model: one layer that gives each class a weight for every pixel."""

    recipe = Recipe(epochs=25, batch_size=256, learning_rate=2e-3, weight_decay=0.1)

    def __init__(self) -> None:
        layer = nn.Linear(ROWS * COLS, CLASSES)
        # From zero, the pixels that never carry ink in training keep no random weight.
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
    """The default: four convolutions, narrow where the picture is large and wide where it is small.

    Multiplications are what costs time on the chip, and most weights lie where there are few positions.
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
    """The most accurate network that the chip's flash holds: a convolution more in the middle, where it
    sees strokes rather than edges, and about three times the weights.
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
    """The model class of a name. Errors: UserError where there is none, or it is no plain sequence, or it
    has no recipe.
    """
    if name not in Network.known:
        raise UserError(
            f"There is no model {name!r} in training/models.py, only {', '.join(sorted(Network.known))}."
        )
    found = Network.known[name]
    if found.forward is not nn.Sequential.forward:
        raise UserError(f"Model {name} has a forward of its own: a model is a plain sequence of layers.")
    if not isinstance(getattr(found, "recipe", None), Recipe):
        raise UserError(
            f"Model {name} does not say how it is trained: give its class a recipe = Recipe(...)."
        )
    return found


def _convolution(channels: int, outputs: int, padding: int = 0) -> tuple[nn.Module, ...]:
    """3x3, with batch normalisation, which takes the place of the bias."""
    convolution = nn.Conv2d(channels, outputs, 3, padding=padding, bias=False)
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU()


def _for_each(
    setting: int | tuple[int, ...], layers: int, name: str, allowed: Collection[int], allowed_words: str
) -> list[int]:
    settings = [setting] * layers if isinstance(setting, int) else list(setting)
    if len(settings) != layers:
        raise UserError(f"its recipe has {name} for {len(settings)} layers, and {layers} are needed")
    for each in settings:
        if each not in allowed:
            raise UserError(f"its recipe has {name} {each}, not {allowed_words}")
    return settings
