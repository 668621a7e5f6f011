"""Training on other data than MNIST: shape, classes and names follow from the data into the model file."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

from torch import nn

from common.errors import UserError
from compiler import model_file, reference, resources
from data import sample, sources
from data.examples import Interface
from pictures.preparation import Preparation
from training import models, train
from training.images.choice import DataChoice
from training.models import Network
from training.quantise.network import quantised
from training.recipe import Recipe
from training.settings import description

pytestmark = pytest.mark.train


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three classes of RGB images of 6 x 10 pixels in IDX files: each class is bright in another channel."""
    folder = tmp_path / "Lamps & co"
    folder.mkdir()
    (folder / "classes.txt").write_text("red\ngreen\nblue")
    for part, count in (("train", 90), ("t10k", 30)):
        labels = np.arange(count, dtype=np.uint8) % 3
        images = np.random.default_rng(count).integers(0, 80, (count, 3, 6, 10)).astype(np.uint8)
        images[np.arange(count), labels] += 150
        for content, array in (("images-idx4", images), ("labels-idx1", labels)):
            header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
            (folder / f"{part}-{content}-ubyte").write_bytes(header + array.tobytes())
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """A short recipe of `small`, and folders for the test."""
    monkeypatch.setattr(models.Small, "recipe", models.Small.recipe.changed(epochs=10))
    monkeypatch.setattr(train, "MODELS", tmp_path / "models")
    return {"runs": tmp_path / "runs"}


def test_a_model_takes_shape_and_classes_from_the_data(folder: Path, quick: dict[str, Any]) -> None:
    result = train.train("small", data=DataChoice(str(folder)), **quick)
    assert result.output is not None and result.output.name == "small-lamps-co.npz"
    model = model_file.load(result.output)
    assert model.name == "small-lamps-co" and model.input.shape == (3, 6, 10)
    assert model.class_names == ("red", "green", "blue") and model.preparation == Preparation("fit")
    dataset = sources.load(str(folder))
    assert model.metadata["data"] == description(dataset)
    assert description(dataset)["split seed"] == 0 and len(description(dataset)["SHA-256"]) == 4
    assert (model.metadata["training images"], model.metadata["held-out images"]) == (81, 9)
    assert sample.read(result.output).labels.tolist() == dataset.test.labels.tolist()
    assert result.test_accuracy == reference.accuracy(model, dataset.test) > 0.9


def test_a_folder_of_pictures_takes_its_shape_from_the_user(quick: dict[str, Any], tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    for level, name in ((40, "dim"), (200, "bright")):
        (tmp_path / "lights" / name).mkdir(parents=True)
        for number in range(8):
            picture = random.integers(level - 30, level + 30, (9, 12, 3)).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / "lights" / name / f"{number}.png")
    result = train.train(
        "small",
        data=DataChoice(str(tmp_path / "lights"), (3, 8, 12), Preparation("stretch")),
        saved_as="lights",
        **quick,
    )
    assert result.output is not None and result.output.name == "lights.npz"
    model = model_file.load(result.output)
    assert model.input.shape == (3, 8, 12) and model.class_names == ("bright", "dim")
    assert model.preparation == Preparation("stretch")


@pytest.mark.parametrize(("model", "shape"), [("small", (1, 28, 28)), ("cifar10", (3, 32, 32))])
def test_a_folder_of_pictures_takes_its_shape_from_the_model(
    model: str, shape: tuple[int, int, int], tmp_path: Path
) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.new("RGB", (9, 9), (number, 100, 200)).save(tmp_path / name / f"{number}.png")
    chosen = models.find(model)
    dataset = DataChoice(str(tmp_path)).load(chosen.recipe)
    assert dataset.interface.shape == shape
    network = quantised(models.build(chosen, dataset.interface), model, chosen.recipe.quantisation)
    assert network.model(model, dataset.interface).class_names == ("a", "b", "c")


def test_other_data_have_another_run_folder(folder: Path, quick: dict[str, Any]) -> None:
    first = train.train("small", data=DataChoice(str(folder)), saved_as="lamps", limit=20, **quick)
    images = folder / "t10k-images-idx4-ubyte"
    images.write_bytes(images.read_bytes()[:-1] + b"\7")
    second = train.train("small", data=DataChoice(str(folder)), saved_as="lamps", limit=20, **quick)
    assert first.output is not None and second.output is not None
    assert first.output.parent != second.output.parent


def test_a_model_for_one_shape_is_refused_for_another(folder: Path, quick: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"Model cnn-lamps-co cannot be put on the chip: layer "):
        train.train("cnn", data=DataChoice(str(folder)), **quick)


def test_a_model_without_parameters_is_refused_for_another_number_of_classes(
    folder: Path, quick: dict[str, Any], no_models_left: None
) -> None:
    class Ten(Network):
        recipe = Recipe(epochs=1, batch_size=10, learning_rate=1e-2, weight_decay=0.0)

        def __init__(self) -> None:
            super().__init__(nn.Flatten(), nn.Linear(180, 10))

    with pytest.raises(UserError, match=r"cannot be put on the chip: the last layer does not give 3 logits"):
        train.train("ten", data=DataChoice(str(folder)), **quick)


@pytest.mark.parametrize("classes", [2, 64])
@pytest.mark.parametrize(
    "shape", [(1, 4, 4), (1, 8, 8), (1, 28, 28), (1, 12, 40), (3, 32, 32), (3, 36, 37), (1, 64, 64)]
)
def test_small_fits_the_chip(shape: tuple[int, int, int], classes: int) -> None:
    interface = Interface(shape, tuple(map(str, range(classes))), Preparation("fit"))
    network = quantised(models.build(models.Small, interface), "small", models.Small.recipe.quantisation)
    resources.check_fits(network.model("small", interface))
