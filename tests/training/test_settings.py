"""A run's folder follows from its settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compiler.network import Linear, Model
from training.settings import RunSettings

RECIPE = {"seed": 1, "epochs": 48, "integer_epochs": 12, "learning_rate": 0.004}
SETTINGS = RunSettings("cnn", "two layers", RECIPE)
RUNS = Path("runs")


def test_the_folder_names_the_settings_that_users_change() -> None:
    folder = SETTINGS.folder(RUNS)
    assert folder.parent == RUNS / "cnn"
    assert folder.name.startswith("seed-1-60-epochs-55000-images-")


def test_the_same_settings_have_the_same_folder() -> None:
    again = RunSettings("cnn", "two layers", dict(reversed(RECIPE.items())))
    assert again.folder(RUNS) == SETTINGS.folder(RUNS)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "max"},
        {"architecture": "three layers"},
        {"images": 3000},
        *({"recipe": {**RECIPE, name: value + 1}} for name, value in RECIPE.items()),
        {"recipe": {**RECIPE, "epochs": 47, "integer_epochs": 13}},
    ],
)
def test_other_settings_have_another_folder(change: dict[str, Any]) -> None:
    assert replace(SETTINGS, **change).folder(RUNS) != SETTINGS.folder(RUNS)


def test_a_model_is_recognised_by_its_layers_and_recipe() -> None:
    def model(**metadata: Any) -> Model:
        layer = Linear(np.zeros((10, 784), np.int8), np.zeros(10, np.int32))
        return Model("cnn", (layer,), 1.0, metadata)

    assert SETTINGS.made(model(architecture="two layers", recipe=RECIPE))
    assert not SETTINGS.made(model(architecture="three layers", recipe=RECIPE))
    assert not SETTINGS.made(model(architecture="two layers", recipe={**RECIPE, "seed": 2}))
    assert not SETTINGS.made(model())
