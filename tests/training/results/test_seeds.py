"""Training with several seeds: what is trained, recorded and published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

from torch import nn

from common.errors import UserError
from compiler import model_file
from compiler.network import Linear, Model
from data import mnist, sample
from data.split import hold_out
from training import models, train
from training.images.choice import OWN
from training.models import Network
from training.recipe import Recipe
from training.results import table
from training.results.seeds import publish, train_seeds
from training.settings import RunSettings, description
from training.train import TrainResult

pytestmark = pytest.mark.train


@pytest.fixture(autouse=True)
def tiny_model(small_data: None, no_models_left: None) -> None:
    class Tiny(Network):
        recipe = Recipe(epochs=1, batch_size=300, learning_rate=1e-2, weight_decay=0.0)

        def __init__(self) -> None:
            super().__init__(nn.MaxPool2d(7), nn.Flatten(), nn.Linear(16, 10))


def settings_of(name: str, seed: int) -> RunSettings:
    """The settings of a full run on the small data."""
    dataset = OWN.load(models.find(name).recipe)
    images = len(hold_out(dataset.train)[0])
    return models.settings(name, seed, dataset.interface, images, description(dataset))


@pytest.fixture
def places(tmp_path: Path) -> dict[str, Any]:
    return {
        "runs": tmp_path / "runs",
        "committed": tmp_path / "models",
        "results": tmp_path / "results.json",
        "markdown": tmp_path / "RESULTS.md",
    }


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """The seeds that are trained, in order."""
    seeds: list[int | None] = []
    whole = train.train

    def count(name: str, seed: int | None, **options: Any) -> TrainResult:
        seeds.append(seed)
        return whole(name, seed, **options)

    monkeypatch.setattr(train, "train", count)
    return seeds


def test_every_seed_is_trained_once_and_the_best_is_published(
    places: dict[str, Any], trained: list[int | None]
) -> None:
    assert train_seeds("tiny", 2, **places)
    assert train_seeds("tiny", 3, **places)
    assert trained == [1, 2, 3]
    entries = table.load(places["results"])
    assert [entry["seed"] for entry in entries] == [1, 2, 3]
    assert places["markdown"].read_text() == table.text(entries, {})
    published = model_file.load(places["committed"] / "tiny.npz")
    best = min(entries, key=lambda entry: float(entry["held-out loss"]))
    assert f"{published.checksum:08x}" == best["checksum"]
    assert published.metadata["recipe"]["seed"] == best["seed"]


def test_a_trial_of_the_same_seed_does_not_count(places: dict[str, Any], trained: list[int | None]) -> None:
    train.train("tiny", 1, limit=500, runs=places["runs"])
    assert train_seeds("tiny", 1, **places)
    assert trained == [1, 1]
    assert model_file.load(places["committed"] / "tiny.npz").metadata["training images"] == 3_150


@pytest.mark.parametrize("fresh", [None, False, True])
def test_an_unfinished_run_continues_unless_it_is_to_be_fresh(
    fresh: bool | None, places: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[dict[str, Any]] = []

    def train_once(name: str, **options: Any) -> TrainResult:
        received.append(options)
        return TrainResult(name, 0, 1)

    monkeypatch.setattr(train, "train", train_once)
    train_seeds("tiny", 2, **(places if fresh is None else places | {"fresh": fresh}))
    output = settings_of("tiny", 1).folder(places["runs"]) / "tiny.npz"
    assert received == [{"seed": 1, "output": output, "fresh": bool(fresh), "runs": places["runs"]}]


def test_an_interrupted_seed_ends_the_training(
    places: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "train", lambda name, **_: TrainResult(name, 0, 1))
    assert not train_seeds("tiny", 2, **places)
    assert not places["results"].exists() and not places["committed"].exists()


def test_a_best_network_that_is_not_on_this_machine_is_one_sentence(tmp_path: Path) -> None:
    layer = Linear(np.ones((10, 784), np.int8), np.zeros(10, np.int32))
    settings = settings_of("tiny", 2)
    metadata = {
        "architecture": settings.architecture,
        "recipe": settings.recipe,
        "accuracy": {"validation, integer": 0.5},
        "best epoch": 1,
        "held-out loss": 0.5,
        "data": settings.data,
        "training images": settings.images,
    }
    model = Model("tiny", (layer,), 1.0, metadata)
    table.record(model, tmp_path / "results.json", tmp_path / "RESULTS.md")
    (entry,) = table.load(tmp_path / "results.json")
    committed, runs = tmp_path / "models", tmp_path / "runs"
    with pytest.raises(UserError, match=r"is seed 2, which was not trained on this machine: .* --seeds 2'"):
        publish(entry, committed, runs)
    model_file.save(model, settings.folder(runs) / "tiny.npz")
    sample.write(settings.folder(runs) / "tiny.npz", mnist.load_test_set()[:3])
    for _ in range(2):
        publish(entry, committed, runs)
        assert model_file.load(committed / "tiny.npz").checksum == model.checksum
        assert len(sample.read(committed / "tiny.npz")) == 3
    assert {path.name for path in committed.iterdir()} == {"tiny.npz", "tiny.test.npz"}


def test_no_seed_at_all_is_refused(places: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="at least 1 seed, not 0"):
        train_seeds("tiny", 0, **places)
