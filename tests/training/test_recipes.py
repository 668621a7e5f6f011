"""The recipes of the models: what they cost on the chip, and that those without a committed file train."""

from __future__ import annotations

import string
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

import torch

from compiler import model_file, resources, target
from data import fashion_mnist
from data.examples import Dataset, Examples, Interface
from data.readers import sklearn_digits
from pictures.preparation import Preparation
from training import models, train
from training.images import choice
from training.quantise.network import quantised

pytestmark = pytest.mark.train

LETTERS = Interface((1, 28, 28), tuple(string.ascii_lowercase), Preparation("mnist"))
COLOURS = Interface((3, 32, 32), tuple(string.digits), Preparation("stretch"))


@pytest.mark.parametrize(
    ("name", "interface", "flash", "milliseconds"),
    [
        ("fashion", fashion_mnist.FASHION_MNIST.interface, 64, 150),
        ("fashion-small", fashion_mnist.FASHION_MNIST.interface, 48, 16),
        ("digits8", sklearn_digits.INTERFACE, 24, 2),
    ],
)
def test_a_model_keeps_its_budget_before_training_too(
    name: str, interface: Interface, flash: int, milliseconds: float
) -> None:
    torch.manual_seed(1)
    model = models.find(name)
    network = quantised(models.build(model, interface), name, model.recipe.quantisation)
    cost = resources.measure(network.model(name, interface))
    assert cost.flash_needed <= flash * 1024
    assert cost.sram_needed <= 20 * 1024
    assert cost.cycles <= milliseconds * target.CLOCK / 1000


def made_up(interface: Interface, count: int, seed: int) -> Examples:
    """Images of coarse patterns, one for each class, with noise."""
    channels, rows, columns = interface.shape
    patterns = np.random.default_rng(0).integers(0, 160, (len(interface.class_names), channels, 4, 4))
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(patterns)
    images = patterns[labels].repeat(rows // 4, axis=2).repeat(columns // 4, axis=3)
    noise = rng.integers(0, 95, images.shape)
    return Examples((images + noise).astype(np.uint8), labels.astype(np.uint8))


@pytest.mark.parametrize(("name", "interface"), [("letters", LETTERS), ("cifar10", COLOURS)])
def test_a_recipe_without_a_committed_file_trains_on_data_of_its_shape(
    name: str, interface: Interface, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_class = models.find(name)
    # The recipe's warm-up and average take hundreds of steps.
    short = replace(model_class.recipe, batch_size=32, warmup_steps=0, average=0.8)
    monkeypatch.setattr(model_class, "recipe", short)
    training, test = made_up(interface, 600, 1), made_up(interface, 200, 2)
    dataset = Dataset(short.data, interface, training, test, {})
    monkeypatch.setattr(choice, "load", lambda *arguments: dataset)
    result = train.train(name, epochs=3, runs=tmp_path, output=tmp_path / "model.npz")
    assert result.test_accuracy > 0.8
    model = model_file.load(tmp_path / "model.npz")
    assert model.input.shape == interface.shape
    assert model.class_names == interface.class_names
    assert resources.measure(model).fits
