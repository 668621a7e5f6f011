"""A recipe: how a model is trained and quantised."""

from __future__ import annotations

import json
import math
from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from common.errors import UserError
from data.examples import Shape
from pictures.preparation import Preparation

# Settings newer than the committed networks, and their defaults. A recipe leaves them out of its JSON at
# their default, so it still equals the recipe in those networks' files.
_LATER: dict[str, Any] = {
    "bfloat16": False,
    "augmentation": {"flip": False, "corrupted": 0.0, "parts": []},
    "quantisation": {"winograd": 0},
}  # fmt: skip

# The run's settings and the model's metadata describe the data that were used.
_DATA = ("data", "preparation", "shape")


# What changes an image on its way: the hand, the pen, the sheet with its light, the camera.
PARTS = ("pose", "ink", "paper", "camera")


@dataclass(frozen=True)
class Augmentation:
    """How training images are changed at random, differently in each epoch.

    The first four are the largest changes of the pose of any image; each is uniformly distributed up to it.
    corrupted: the share of images that also get changes which pens, paper and cameras make, 0 to 1.
    parts: which of PARTS those changes are; all of them if empty.
    """

    rotation: float = 0.0  # degrees, in both directions
    scale: float = 0.0  # 0.1: each side is 0.9 to 1.1 times as long
    shear: float = 0.0  # columns per row
    shift: float = 0.0  # pixels, in each direction
    flip: bool = False  # half of the images are mirrored, left to right
    corrupted: float = 0.0
    parts: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise UserError, with a clause, if a value is out of range."""
        if not 0 <= self.corrupted <= 1:
            raise UserError(f"its recipe has corrupted {self.corrupted:g}, but the range is 0 to 1")
        for part in self.parts:
            if part not in PARTS:
                raise UserError(f"its recipe has the part {part!r}, but there are only {', '.join(PARTS)}")

    @property
    def has_maps(self) -> bool:
        """Whether the pose of every image changes."""
        return any((self.rotation, self.scale, self.shear, self.shift, self.flip))


@dataclass(frozen=True)
class Quantisation:
    """The integer ranges of a model: one number for all layers with weights, or a tuple with one for each.

    weight_bits: 8, 4 or 2.
    activation_maximum: the largest activation, 1 to 255. The last layer gives logits and has none.
    input_shift: the number of low bits of a pixel that the first layer drops, 0 to 7.
    lanes: whether every sum stays inside 16 bits, so that two outputs can share one multiplication.
    winograd: the dimensions, 1 or 2, of Winograd's transform that each layer's sums must allow, or 0.
    """

    weight_bits: int | tuple[int, ...] = 8
    activation_maximum: int | tuple[int, ...] = 127
    input_shift: int = 0
    lanes: bool = False
    winograd: int | tuple[int, ...] = 0

    def bits_of_layers(self, layers: int) -> list[int]:
        """The weight bits of each layer. Raises UserError if their number or one of them is wrong."""
        return _one_for_each(self.weight_bits, layers, "weight_bits", (8, 4, 2), "8, 4 or 2")

    def maxima_of_layers(self, layers: int) -> list[int]:
        """The largest activation of each layer. Raises UserError like `bits_of_layers`."""
        return _one_for_each(
            self.activation_maximum, layers, "activation_maximum", range(1, 256), "one from 1 to 255"
        )

    def winograd_of_layers(self, layers: int) -> list[int]:
        """The dimensions of each layer's transform. Raises UserError like `bits_of_layers`."""
        return _one_for_each(self.winograd, layers, "winograd", (0, 1, 2), "0, 1 or 2")


@dataclass(frozen=True)
class Phase:
    """One of the two parts of training: its epochs, counted from 0, and how it changes weights."""

    first_epoch: int
    epochs: int
    learning_rate: float
    weight_decay: float


@dataclass(frozen=True)
class Recipe:
    """How a model is trained: a float phase, then a phase in integers (quantisation-aware training).

    The optimizer is AdamW. In each phase its learning rate falls to zero along half a cosine.

    warmup_steps: the first steps of each phase, in which the learning rate rises linearly.
    weight_decay: of the weights in the float phase; biases do not decay.
    average: the decay of the running average of the weights, which is judged and kept; 0 for none.
    bfloat16: whether the float phase multiplies in bfloat16, which takes two thirds of the time on processors
    that have it. Weights, sums and the running average stay in float32.
    data: the source of the images, as `--data` names it. preparation: how a picture becomes an image, instead
        of the source's own way. shape: of the images, if the source is a folder of pictures.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int = 1
    warmup_steps: int = 0
    label_smoothing: float = 0.0
    average: float = 0.0
    bfloat16: bool = False
    integer_epochs: int = 0
    integer_learning_rate: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    quantisation: Quantisation = field(default_factory=Quantisation)
    data: str = "mnist"
    preparation: Preparation | None = None
    shape: Shape | None = None

    @property
    def all_epochs(self) -> int:
        """The epochs in float and in integers."""
        return self.epochs + self.integer_epochs

    @property
    def float_phase(self) -> Phase:
        """The phase of training in float."""
        return Phase(0, self.epochs, self.learning_rate, self.weight_decay)

    @property
    def integer_phase(self) -> Phase:
        """The phase of training in integers. It has no weight decay: after batch normalisation is folded
        into the weights, nothing makes up for smaller ones.
        """
        return Phase(self.epochs, self.integer_epochs, self.integer_learning_rate, 0.0)

    def changed(self, seed: int | None = None, epochs: int | None = None) -> Recipe:
        """The same recipe with another seed or length. Raises UserError if one is out of range.

        A longer or shorter recipe keeps the share of float epochs and has at least one.
        """
        recipe = self
        if seed is not None:
            recipe = replace(recipe, seed=seed)
        if epochs is not None:
            if epochs < 1:
                raise UserError(f"Training takes at least 1 epoch, not {epochs}.")
            in_float = max(1, round(epochs * self.epochs / self.all_epochs))
            recipe = replace(recipe, epochs=in_float, integer_epochs=epochs - in_float)
        if not 0 <= recipe.seed < 2**32:
            raise UserError(f"A seed is a number from 0 to {2**32 - 1}, not {recipe.seed}.")
        return recipe

    def check(self) -> None:
        """Raise UserError, with a clause, if a value is out of range."""
        # AdamW moves a weight by about the learning rate in each step; weights are of the order of 1.
        limits: dict[str, tuple[float, float]] = {
            "epochs": (1, math.inf),
            "batch_size": (1, math.inf),
            "learning_rate": (0, 10),
            "weight_decay": (0, 1000),
            "warmup_steps": (0, math.inf),
            "label_smoothing": (0, 1),
            "average": (0, 1),
            "integer_epochs": (0, math.inf),
            "integer_learning_rate": (0, 10),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                allowed = f"{low:g} to {high:g}" if high < math.inf else f"{low:g} or more"
                raise UserError(f"its recipe has {name} {value:g}, but the range is {allowed}")
        self.augmentation.check()

    def as_json(self) -> dict[str, Any]:
        """The recipe as JSON gives it back: with lists instead of tuples, and without the data."""
        recipe: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        for name in _DATA:
            del recipe[name]
        _leave_out(recipe, _LATER)
        return recipe


def _leave_out(recipe: dict[str, Any], defaults: Mapping[str, Any]) -> None:
    """Delete the settings that have these defaults."""
    for name, default in defaults.items():
        if isinstance(default, Mapping):
            _leave_out(recipe[name], default)
        elif recipe[name] == default:
            del recipe[name]


def _one_for_each(
    setting: int | tuple[int, ...], layers: int, name: str, allowed: Container[int], allowed_words: str
) -> list[int]:
    settings = [setting] * layers if isinstance(setting, int) else list(setting)
    if len(settings) != layers:
        raise UserError(f"its recipe has {name} for {len(settings)} layers, and {layers} are needed")
    for each in settings:
        if each not in allowed:
            raise UserError(f"its recipe has {name} {each}, not {allowed_words}")
    return settings
