"""The models. To add one, write a class in a file of this folder and type `./inv train --model NAME`.

A model is a sequence of layers. It takes images (N, channels, rows, columns), 0 for background to 1 for full
ink, and gives a logit for each class. Its recipe says how it is trained, and on which data. Its name is the
name of the class in lower case, with hyphens between words. The supported layers are listed in
quantise/conversion.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch import nn

from common.errors import UserError
from data import mnist
from data.examples import Interface
from training.models.digits import Cnn, Digits8, Letters, Linear, Max
from training.models.network import Network
from training.models.pictures import Cifar10, Fashion, FashionSmall, Small
from training.recipe import Recipe
from training.settings import MOST_IMAGES, RunSettings, mnist_description

__all__ = [
    "Cifar10", "Cnn", "Digits8", "Fashion", "FashionSmall", "Letters", "Linear", "Max", "Network", "Small",
    "build", "find", "settings",
]  # fmt: skip


def find(name: str) -> type[Network]:
    """The class of a model.

    Raises UserError if there is none of this name, if it overrides `forward`, or if its recipe is missing or
    has a value out of range.
    """
    if name not in Network.known:
        known = ", ".join(sorted(Network.known))
        raise UserError(f"There is no model {name!r} in training/models/, only {known}.")
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
