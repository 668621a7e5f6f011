"""Training runs: a seed gives the same bytes, also across Ctrl-C, and errors are one sentence.

The committed test images take the place of the training images, so nothing is downloaded.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

import torch
from torch import Tensor, nn

from common import paths
from common.errors import UserError
from compiler import model_file, reference
from compiler.kernels.conv3x3_lanes import fits_lanes
from compiler.network import IMAGE, Weighted
from data import mnist, sample
from training import models, train
from training.errors import Diverged
from training.images import choice
from training.loop.trainer import Trainer
from training.models import Network
from training.recipe import Augmentation, Quantisation, Recipe
from training.settings import mnist_description
from training.train import TrainResult

pytestmark = [pytest.mark.train, pytest.mark.usefixtures("small_data")]

SMALL: dict[str, Any] = {"limit": 1_000, "epochs": 4, "seed": 5}


@pytest.fixture
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    folder = tmp_path_factory.mktemp("uninterrupted")
    return train.train(**SMALL, runs=folder, output=folder / "model.npz")


def train_until(epoch: int, runs: Path, name: str = "linear", **options: Any) -> TrainResult:
    """Train with a Ctrl-C in the second step of an epoch, counted from 1."""
    with pytest.MonkeyPatch.context() as patch:
        whole = Trainer.train_step

        def train_step(self: Trainer, step: int, images: Tensor, labels: Tensor) -> float:
            if len(self.history) == epoch - 1 and step % self.steps_per_epoch == 1:
                signal.raise_signal(signal.SIGINT)
            return whole(self, step, images, labels)

        patch.setattr(Trainer, "train_step", train_step)
        return train.train(name, runs=runs, **options)


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def bytes_of(result: TrainResult) -> bytes:
    assert result.finished and result.output is not None
    return result.output.read_bytes()


def test_a_short_run_learns_and_says_what_it_did(uninterrupted: TrainResult) -> None:
    assert uninterrupted.output is not None and uninterrupted.curve is not None
    model = model_file.load(uninterrupted.output)
    assert uninterrupted.finished and uninterrupted.epochs == 4
    assert uninterrupted.test_accuracy > 0.6
    assert uninterrupted.test_accuracy == reference.accuracy(model, mnist.load_test_set()[3_500:4_000])
    assert abs(uninterrupted.test_accuracy - uninterrupted.float_test_accuracy) < 0.01
    assert model.metadata["recipe"]["seed"] == 5 and model.metadata["training images"] == 1_000
    assert uninterrupted.curve.read_bytes().startswith(b"\x89PNG")
    assert str(uninterrupted).startswith("linear recognises ")
    assert files_in(uninterrupted.output.parent) == {"model.npz", "model.test.npz", "curve.png"}


def test_torch_is_deterministic(uninterrupted: TrainResult) -> None:
    assert torch.are_deterministic_algorithms_enabled()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert not torch.backends.cudnn.allow_tf32 and not torch.backends.cuda.matmul.allow_tf32


def test_the_metadata_says_how_the_model_was_made(uninterrupted: TrainResult) -> None:
    assert uninterrupted.output is not None
    metadata = dict(model_file.load(uninterrupted.output).metadata)
    accuracy, loss = metadata.pop("accuracy"), metadata.pop("held-out loss")
    assert accuracy == {
        "validation, integer": uninterrupted.held_out_accuracy,
        "validation, float": pytest.approx(uninterrupted.held_out_accuracy, abs=0.02),
        "test, integer": uninterrupted.test_accuracy,
        "test, float": uninterrupted.float_test_accuracy,
    }
    assert 0.5 < loss < 2
    assert metadata == {
        "best epoch": uninterrupted.best_epoch,
        "epochs": 4,
        "recipe": models.Linear.recipe.changed(seed=5, epochs=4).as_json(),
        "architecture": str(models.Linear()),
        "training images": 1_000,
        "held-out images": 350,
        "data": mnist_description(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def test_a_full_run_replaces_the_committed_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(train, "MODELS", tmp_path / "models")
    monkeypatch.setattr(models.Linear, "recipe", models.Linear.recipe.changed(epochs=1))
    result = train.train(runs=tmp_path)
    assert result.output == tmp_path / "models" / "linear.npz" and result.kept is None
    assert model_file.load(result.output).metadata["training images"] == 3_150
    assert sample.read(result.output).labels.tolist() == mnist.load_test_set().labels[3_500:3_700].tolist()


def test_a_shortened_run_replaces_the_committed_model_only_on_request(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(train, "MODELS", tmp_path / "models")
    first = train.train(epochs=1, runs=tmp_path / "runs")
    assert first.output is not None and first.output.name == "trial.npz" and first.kept is None
    replaced = train.train(epochs=1, replaces=True, runs=tmp_path / "runs")
    assert replaced.output == tmp_path / "models" / "linear.npz"
    before = replaced.output.read_bytes()
    assert before == first.output.read_bytes()
    again = train.train(epochs=2, runs=tmp_path / "runs")
    assert again.kept == replaced.output and replaced.output.read_bytes() == before
    assert str(again).endswith("/models/linear.npz as it is; --replace replaces it.")


def test_a_seed_gives_the_same_bytes_and_another_seed_others(
    uninterrupted: TrainResult, tmp_path: Path
) -> None:
    same = train.train(**SMALL, runs=tmp_path)
    other = train.train(**(SMALL | {"seed": 6}), runs=tmp_path)
    assert bytes_of(same) == bytes_of(uninterrupted)
    assert same.output is not None and other.output is not None
    assert model_file.load(other.output).checksum != model_file.load(same.output).checksum


def test_a_resumed_run_ends_with_the_same_bytes(uninterrupted: TrainResult, tmp_path: Path) -> None:
    for epoch in (2, 4):
        stopped = train_until(epoch, tmp_path, **SMALL)
        assert not stopped.finished and stopped.epochs == epoch - 1
        assert stopped.output is not None and stopped.output.name == "best.npz"
        best = model_file.load(stopped.output)
        assert best.metadata["accuracy"] == {"validation, integer": stopped.held_out_accuracy}
        assert f"stopped after epoch {epoch - 1} of 4" in str(stopped)
        assert "Type the same command to continue." in str(stopped)
    assert bytes_of(train.train(**SMALL, runs=tmp_path)) == bytes_of(uninterrupted)
    assert files_in(tmp_path) == {"trial.npz", "trial.test.npz", "curve.png"}


def test_ctrl_c_in_the_first_epoch_leaves_nothing(tmp_path: Path) -> None:
    stopped = train_until(1, tmp_path, **SMALL)
    assert str(stopped) == "Training of linear stopped in its first epoch. Nothing is saved yet."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", range(1, 7))
@pytest.mark.parametrize("moment", ["before", "after"])
def test_ctrl_c_around_a_write_and_the_summary_agree(number: int, moment: str, tmp_path: Path) -> None:
    """A run of three epochs writes six files: three checkpoints, the sample, the model, the curve."""
    options: dict[str, Any] = {"limit": 300, "epochs": 3}
    whole, writes = Path.replace, 0

    def replace_file(self: Path, target: Path) -> Path:
        nonlocal writes
        writes += 1
        if (writes, moment) == (number, "before"):
            raise KeyboardInterrupt
        result = whole(self, target)
        if (writes, moment) == (number, "after"):
            raise KeyboardInterrupt
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", replace_file)
        stopped = train.train(**options, runs=tmp_path)
    assert not stopped.finished and writes >= number
    saved = min(number if moment == "after" else number - 1, 3)
    assert stopped.epochs == saved
    if saved == 0:
        assert stopped.output is None and files_in(tmp_path) == set()
    else:
        assert stopped.output is not None
        metadata = model_file.load(stopped.output).metadata
        assert (metadata["epochs"], metadata["best epoch"]) == (saved, stopped.best_epoch)
    resumed = train.train(**options, runs=tmp_path)
    assert bytes_of(resumed) == bytes_of(train.train(**options, runs=tmp_path / "whole"))


@pytest.mark.parametrize("change", [{"seed": 6}, {"limit": 900}, {"epochs": 3}, {"name": "small"}])
def test_a_run_does_not_touch_an_unfinished_run_with_other_settings(
    change: dict[str, Any], uninterrupted: TrainResult, small_model: None, tmp_path: Path
) -> None:
    train_until(3, tmp_path, **SMALL)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    train_until(2, tmp_path, **({"name": "linear"} | SMALL | change))
    assert train.train(**(SMALL | change), fresh=True, runs=tmp_path).finished
    assert {path: path.read_bytes() for path in before} == before
    assert bytes_of(train.train(**SMALL, runs=tmp_path)) == bytes_of(uninterrupted)


def test_fresh_starts_again(uninterrupted: TrainResult, tmp_path: Path) -> None:
    train_until(3, tmp_path, **SMALL)
    stopped = train_until(1, tmp_path, **SMALL, fresh=True)
    assert stopped.output is None
    assert files_in(tmp_path) == {"curve.png"}


def test_an_unfinished_run_is_not_continued_in_another_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    train_until(2, tmp_path, **SMALL)
    threads = torch.get_num_threads()
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 1)
    complaint = rf"is an unfinished run with threads {threads}, not {threads + 1}: restore that to continue"
    with pytest.raises(UserError, match=complaint):
        train.train(**SMALL, runs=tmp_path)


def test_a_limited_run_does_not_replace_the_committed_model(tmp_path: Path) -> None:
    committed = (paths.MODELS / "linear.npz").read_bytes()
    result = train.train(limit=500, epochs=1, runs=tmp_path)
    assert result.output is not None and result.output.name == "trial.npz"
    assert tmp_path in result.output.parents
    assert (paths.MODELS / "linear.npz").read_bytes() == committed


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"name": "resnet"}, "There is no model 'resnet'"),
        ({"epochs": 0}, "at least 1 epoch"),
        ({"seed": -1}, "A seed is a number from 0"),
        ({"limit": 0}, "can be limited to 1 image or more"),
    ],
)
def test_arguments_out_of_range_are_refused_before_images_are_loaded(
    arguments: dict[str, Any], complaint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(choice, "load", None)
    with pytest.raises(UserError, match=complaint):
        train.train(**arguments, runs=tmp_path)


def test_a_limit_beyond_the_training_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="can be limited to 1 to 3,150 images, not 3,151"):
        train.train(limit=3_151, runs=tmp_path)


def test_a_users_own_model_needs_only_a_class(no_models_left: None, tmp_path: Path) -> None:
    class NoBias(Network):
        recipe = Recipe(epochs=1, batch_size=100, learning_rate=1e-2, weight_decay=0.0)

        def __init__(self) -> None:
            super().__init__(nn.Flatten(), nn.Linear(784, 10, bias=False))

    result = train.train("no-bias", limit=600, runs=tmp_path)
    assert result.finished and result.output is not None
    assert model_file.load(result.output).layers[0].arrays["bias"].tolist() == [0] * 10


@pytest.mark.parametrize(
    ("layers", "complaint"),
    [
        (
            [nn.Flatten(), nn.Linear(784, 10), nn.Softmax(dim=1)],
            r"cannot be put on the chip: layer 2 \(Softmax",
        ),
        (
            [nn.Flatten(), nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10)],
            r"does not fit the chip: it needs \d\d,\d{3} bytes of flash",
        ),
    ],
)
def test_a_model_that_does_not_fit_the_chip_is_refused_before_training(
    layers: list[nn.Module],
    complaint: str,
    no_models_left: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    class Odd(Network):
        recipe = Recipe(epochs=1, batch_size=100, learning_rate=1e-2, weight_decay=0.0)

        def __init__(self) -> None:
            super().__init__(*layers)

    monkeypatch.setattr(Trainer, "run", None)
    with pytest.raises(UserError, match=f"Model odd {complaint}"):
        train.train("odd", limit=100, runs=tmp_path)


def test_diverged_training_is_one_sentence(no_models_left: None, tmp_path: Path) -> None:
    class Fast(Network):
        recipe = Recipe(epochs=5, batch_size=100, learning_rate=10, weight_decay=1000)

        def __init__(self) -> None:
            super().__init__(nn.Flatten(), nn.Linear(784, 10))

    with pytest.raises(
        Diverged, match=r"^Training diverged in epoch [12], step \d+: lower the learning rate"
    ):
        train.train("fast", limit=600, runs=tmp_path)


@pytest.fixture
def small_model(no_models_left: None) -> None:
    class Small(Network):
        recipe = Recipe(
            epochs=2,
            batch_size=100,
            learning_rate=1e-2,
            weight_decay=0.01,
            seed=2,
            warmup_steps=5,
            label_smoothing=0.05,
            average=0.9,
            integer_epochs=2,
            integer_learning_rate=2e-3,
            augmentation=Augmentation(5, 0.05, 0.1, 1),
            quantisation=Quantisation((8, 2, 4), (31, 15), input_shift=1, lanes=True),
        )

        def __init__(self) -> None:
            super().__init__(
                nn.Conv2d(1, 6, 3, stride=2, bias=False),
                nn.BatchNorm2d(6),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Flatten(),
                nn.Linear(6 * 36, 24),
                nn.BatchNorm1d(24),
                nn.ReLU(),
                nn.Linear(24, 10),
            )


def test_a_run_in_float_and_integers_resumes_in_any_epoch(small_model: None, tmp_path: Path) -> None:
    whole = train.train("small", limit=600, runs=tmp_path / "whole")
    assert whole.epochs == 4 and whole.test_accuracy > 0.2
    for epoch in range(2, 5):
        stopped = train_until(epoch, tmp_path / "parts", "small", limit=600)
        assert not stopped.finished and stopped.epochs == epoch - 1
    parts = train.train("small", limit=600, runs=tmp_path / "parts")
    assert bytes_of(parts) == bytes_of(whole)
    assert parts.output is not None
    model = model_file.load(parts.output)
    assert model.metadata["accuracy"].keys() == {
        f"{part}, {kind}" for part in ("validation", "test") for kind in ("integer", "float", "rounded float")
    }
    sources = [IMAGE, *model.tensors]
    weighted = [
        (layer, source)
        for layer, source in zip(model.layers, sources, strict=False)
        if isinstance(layer, Weighted)
    ]
    assert np.abs(weighted[1][0].weights).max() == 1
    assert all(fits_lanes(layer, source) for layer, source in weighted)
