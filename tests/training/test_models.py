"""The models, and the errors about a user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

from torch import Tensor

from common.errors import UserError
from common.paths import MODELS
from compiler import model_file
from data import mnist
from data.examples import Interface
from pictures.preparation import Preparation
from training import models
from training.models import Network
from training.results import table

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("no_models_left")]


def interface_of(entry: Mapping[str, Any]) -> Interface:
    """What a recorded network takes and answers."""
    if "data" not in entry:
        return mnist.INTERFACE
    data = entry["data"]
    return Interface(tuple(data["shape"]), tuple(data["classes"]), Preparation(**data["preparation"]))


# linear.npz does not record its architecture.
@pytest.mark.parametrize("name", ["cnn", "digits8", "fashion", "fashion-small", "max"])
def test_the_committed_model_was_made_by_todays_recipe(name: str) -> None:
    model = model_file.load(MODELS / f"{name}.npz")
    settings = models.settings(name, model.metadata["recipe"]["seed"], interface_of(model.metadata))
    assert settings.made(model)


def test_the_committed_models_are_the_best_of_the_recorded_results() -> None:
    for name in sorted({entry["name"] for entry in table.load()}):
        best = table.best_of([entry for entry in table.load() if entry["name"] == name])
        assert f"{model_file.load(MODELS / f'{name}.npz').checksum:08x}" == best["checksum"], name


def test_the_recorded_results_were_made_by_todays_recipes() -> None:
    for entry in table.load():
        settings = models.settings(entry["name"], entry["seed"], interface_of(entry))
        assert entry["architecture"] == settings.architecture
        assert {**entry["recipe"], "seed": entry["seed"]} == settings.recipe


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(
        UserError,
        match=r"There is no model 'resnet' in training/models/, only cifar10, cnn, cnn-robust, digits8, ",
    ):
        models.find("resnet")


def test_a_model_with_its_own_forward_is_refused() -> None:
    class Twisted(Network):
        recipe = models.Linear.recipe

        def forward(self, images: Tensor) -> Tensor:
            return images

    with pytest.raises(UserError, match="a model must be a plain sequence of layers"):
        models.find("twisted")


def test_a_model_without_a_recipe_is_refused() -> None:
    class Aimless(Network):
        pass

    with pytest.raises(UserError, match=r"give its class a recipe = Recipe"):
        models.find("aimless")


def test_a_recipe_that_is_out_of_range_is_refused() -> None:
    class Fast(Network):
        recipe = replace(models.Linear.recipe, learning_rate=1e38)

    with pytest.raises(
        UserError,
        match=r"^Model fast cannot be trained: its recipe has learning_rate 1e\+38, but the range is 0 to 10",
    ):
        models.find("fast")


def test_a_name_of_two_words_has_a_hyphen() -> None:
    class TwoWords8(Network):
        recipe = models.Linear.recipe

    assert models.find("two-words8") is TwoWords8
