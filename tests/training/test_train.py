"""Training: the same bits for a seed, also across Ctrl-C and resume, and honest refusals.

A few thousand images and a few epochs; nothing is downloaded.
"""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

from torch import nn  # noqa: E402

from common import paths  # noqa: E402
from common.errors import UserError  # noqa: E402
from compiler import model_file, network, reference  # noqa: E402
from compiler.kernels.conv3x3_lanes import fits_lanes  # noqa: E402
from data import mnist  # noqa: E402
from training import checkpoint, data, models, train  # noqa: E402
from training.models import Augmentation, Network, Quantisation, Recipe  # noqa: E402

pytestmark = pytest.mark.train

needs_training_set = pytest.mark.skipif(
    not data.is_at_hand(),
    reason="the training images would have to be downloaded: set MNIST_DIR to a folder that has them",
)

# Where the training images are before a test turns to another cache.
SOURCE = Path(os.environ.get("MNIST_DIR") or data.cache_folder() / "MNIST" / "raw")


SMALL = {"limit": 3_000, "epochs": 4, "seed": 5}


@pytest.fixture
def no_models_left():
    """Takes away the models that a test adds."""
    before = dict(Network.known)
    yield
    Network.known.clear()
    Network.known.update(before)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory):
    work = tmp_path_factory.mktemp("uninterrupted")
    return train.train(**SMALL, work=work, output=work / "model.npz")


def interrupt_in_epoch(monkeypatch: pytest.MonkeyPatch, epoch) -> None:
    """Has Ctrl-C pressed in the middle of an epoch, counted from 0."""
    whole = train._Run.epoch

    def epoch_with_ctrl_c(self, number, steps):
        for step, loss in enumerate(whole(self, number, steps)):
            if number == epoch and step == steps // 2:
                signal.raise_signal(signal.SIGINT)
            yield loss

    monkeypatch.setattr(train._Run, "epoch", epoch_with_ctrl_c)


@needs_training_set
def test_a_short_run_learns_and_tells_what_it_did(uninterrupted) -> None:
    model = model_file.load(uninterrupted.output)
    assert uninterrupted.finished and uninterrupted.epochs == 4
    assert uninterrupted.test_accuracy > 0.75
    assert uninterrupted.test_accuracy == reference.accuracy(model, mnist.load_test_set())
    assert abs(uninterrupted.test_accuracy - uninterrupted.float_test_accuracy) < 0.005
    assert model.metadata["recipe"]["seed"] == 5 and model.metadata["training images"] == 3_000
    assert uninterrupted.curve.read_bytes().startswith(b"\x89PNG")
    assert str(uninterrupted).startswith("linear recognises ")
    left = {path.name for path in uninterrupted.output.parent.iterdir()}
    assert left == {"model.npz", "curve.png"}


@needs_training_set
def test_a_seed_gives_the_same_bytes_and_another_seed_others(uninterrupted, tmp_path: Path) -> None:
    same = train.train(**SMALL, work=tmp_path, output=tmp_path / "same.npz")
    other = train.train(**(SMALL | {"seed": 6}), work=tmp_path, output=tmp_path / "other.npz")
    assert same.output.read_bytes() == uninterrupted.output.read_bytes()
    assert model_file.load(other.output).checksum != model_file.load(same.output).checksum


@needs_training_set
def test_ctrl_c_keeps_the_best_and_a_resumed_run_ends_with_the_same_bytes(
    uninterrupted, tmp_path: Path
) -> None:
    output = tmp_path / "model.npz"
    for epoch in (1, 3):
        with pytest.MonkeyPatch.context() as patch:
            interrupt_in_epoch(patch, epoch)
            stopped = train.train(**SMALL, work=tmp_path, output=output)
        assert not stopped.finished and stopped.epochs == epoch
        assert stopped.output == tmp_path / "best.npz" and not output.exists()
        best = model_file.load(stopped.output)
        assert best.metadata["accuracy"] == {"validation, integer": stopped.validation_accuracy}
        assert "the same command goes on from here" in str(stopped)
    resumed = train.train(**SMALL, work=tmp_path, output=output)
    assert resumed.finished
    assert output.read_bytes() == uninterrupted.output.read_bytes()


@needs_training_set
def test_ctrl_c_in_the_first_epoch_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    interrupt_in_epoch(monkeypatch, 0)
    stopped = train.train(**SMALL, work=tmp_path, output=tmp_path / "model.npz")
    assert str(stopped) == "Stopped before the first epoch of linear ended: nothing is saved yet."
    assert list(tmp_path.iterdir()) == []


@needs_training_set
def test_an_unfinished_run_is_not_continued_with_other_settings(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        interrupt_in_epoch(patch, 1)
        train.train(**SMALL, work=tmp_path)
    for change, complaint in [
        ({"seed": 6}, "holds an unfinished run with seed 5, and this one has 6: finish that one"),
        ({"limit": 2_000}, "with training images 3000, and this one has 2000"),
        ({"epochs": 9}, "with epochs 4, and this one has 9"),
    ]:
        with pytest.raises(UserError, match=complaint):
            train.train(**(SMALL | change), work=tmp_path)
    assert train.train(**(SMALL | {"epochs": 1}), work=tmp_path, fresh=True).finished


@needs_training_set
def test_a_limited_run_does_not_replace_the_committed_model(tmp_path: Path) -> None:
    committed = (paths.MODELS / "linear.npz").read_bytes()
    result = train.train(limit=500, epochs=1, work=tmp_path)
    assert result.output == tmp_path / "trial.npz"
    assert (paths.MODELS / "linear.npz").read_bytes() == committed


@pytest.mark.parametrize("damage", [b"", b"no checkpoint", b"PK\x03\x04 and then nothing"])
def test_a_damaged_checkpoint_is_one_sentence(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(damage)
    with pytest.raises(UserError, match=r"is damaged: start the training anew with --fresh\.$"):
        checkpoint.load(path, {})


def test_held_out_images_are_never_trained_on() -> None:
    digits = mnist.Digits(np.arange(60_000), np.arange(60_000))
    training, held_out = train.split(digits)
    assert len(held_out) == 5_000
    assert sorted([*training.labels, *held_out.labels]) == list(range(60_000))
    assert train.split(digits, limit=100)[1].labels.tolist() == held_out.labels.tolist()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"name": "resnet"}, r"There is no model 'resnet' in training/models.py, only cnn, linear, max\."),
        ({"epochs": 0}, "at least 1 epoch"),
        ({"seed": -1}, "A seed is a number from 0"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=complaint):
        train.train(**arguments, work=tmp_path)


@needs_training_set
@pytest.mark.parametrize("limit", [0, 55_001])
def test_a_limit_that_cannot_be_kept_is_refused(limit: int, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="can be limited to 1 to 55,000 images"):
        train.train(limit=limit, work=tmp_path)


@needs_training_set
def test_a_users_own_model_needs_only_a_class(no_models_left, tmp_path: Path) -> None:
    class NoBias(Network):
        recipe = Recipe(epochs=1, batch_size=100, learning_rate=1e-2, weight_decay=0.0)

        def __init__(self) -> None:
            super().__init__(nn.Flatten(), nn.Linear(784, 10, bias=False))

    result = train.train("nobias", limit=2_000, work=tmp_path)
    assert result.finished and model_file.load(result.output).layers[0].bias.tolist() == [0] * 10


@pytest.mark.parametrize(
    ("layers", "complaint"),
    [
        (
            [nn.Flatten(), nn.Linear(784, 10), nn.Softmax(dim=1)],
            r"cannot be put on the chip: layer 2 \(Softmax",
        ),
        (
            [nn.Flatten(), nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10)],
            "does not fit the chip: it needs 9.,... bytes of flash .* make its layers smaller",
        ),
    ],
)
def test_a_model_for_which_the_chip_is_too_small_is_refused_before_training(
    layers, complaint: str, no_models_left, tmp_path: Path
) -> None:
    class Odd(Network):
        recipe = Recipe(epochs=1, batch_size=100, learning_rate=1e-2, weight_decay=0.0)

        def __init__(self) -> None:
            super().__init__(*layers)

    with pytest.raises(UserError, match=f"Model odd {complaint}"):
        train.train("odd", limit=100, work=tmp_path)


class TestTrainingInIntegers:
    """Runs with float epochs and then epochs in integers."""

    @pytest.fixture(autouse=True)
    def small_model(self, no_models_left) -> None:
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

    @needs_training_set
    def test_interrupted_anywhere_it_ends_with_the_same_bytes(self, tmp_path: Path) -> None:
        whole = train.train("small", limit=2_000, work=tmp_path / "whole")
        assert whole.finished and whole.epochs == 4 and whole.test_accuracy > 0.6
        for epoch in range(1, 4):
            with pytest.MonkeyPatch.context() as patch:
                interrupt_in_epoch(patch, epoch)
                stopped = train.train("small", limit=2_000, work=tmp_path / "parts")
            assert not stopped.finished and stopped.epochs == epoch
            assert model_file.load(stopped.output).metadata["epochs"] <= epoch
        parts = train.train("small", limit=2_000, work=tmp_path / "parts")
        assert parts.output.read_bytes() == whole.output.read_bytes()
        model = model_file.load(whole.output)
        assert model.metadata["accuracy"].keys() == {
            f"{part}, {kind}"
            for part in ("validation", "test")
            for kind in ("integer", "float", "rounded float")
        }
        assert np.abs(model.layers[2].weights).max() == 1
        assert all(
            fits_lanes(layer, source)
            for layer, source in zip(model.layers, [network.IMAGE, *model.tensors], strict=False)
            if isinstance(layer, network.Weighted)
        )

    def test_other_lengths_keep_the_share_of_float_epochs(self) -> None:
        recipe = models.find("small").recipe
        assert recipe.all_epochs == 4
        assert (recipe.of_epochs(10).epochs, recipe.of_epochs(10).integer_epochs) == (5, 5)
        assert (recipe.of_epochs(1).epochs, recipe.of_epochs(1).integer_epochs) == (1, 0)


def test_a_model_with_a_forward_of_its_own_is_refused(no_models_left) -> None:
    class Twisted(Network):
        def forward(self, images):
            return super().forward(images) + 1

    with pytest.raises(UserError, match="a model is a plain sequence of layers"):
        models.find("twisted")


def test_a_model_without_a_recipe_is_refused(no_models_left) -> None:
    class Aimless(Network):
        pass

    with pytest.raises(UserError, match=r"give its class a recipe = Recipe"):
        models.find("aimless")


class TestTrainingSet:
    """Where the training images come from."""

    @pytest.fixture(autouse=True)
    def empty_cache(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    @pytest.fixture
    def no_network(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A server that refuses connections: nothing listens on the discard port of this machine."""
        monkeypatch.setattr(data.torchvision.datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])

    @needs_training_set
    def test_mnist_dir_comes_first_and_the_cache_second(
        self, monkeypatch: pytest.MonkeyPatch, no_network
    ) -> None:
        monkeypatch.setenv("MNIST_DIR", str(SOURCE))
        first = data.load_training_set()
        monkeypatch.delenv("MNIST_DIR")
        second = data.load_training_set()
        assert first.images.shape == (60_000, 28, 28) and first.labels[:5].tolist() == [5, 0, 4, 1, 9]
        np.testing.assert_array_equal(first.images, second.images)

    def test_no_images_and_no_network_is_one_sentence(
        self, monkeypatch: pytest.MonkeyPatch, no_network
    ) -> None:
        monkeypatch.delenv("MNIST_DIR", raising=False)
        with pytest.raises(UserError, match=r"cannot be downloaded: check the network, or set MNIST_DIR"):
            data.load_training_set()

    def test_an_mnist_dir_that_is_no_folder_is_named(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("MNIST_DIR", str(tmp_path / "nowhere"))
        with pytest.raises(UserError, match=r"MNIST_DIR is .*nowhere, which is no folder"):
            data.load_training_set()

    def test_a_file_missing_in_mnist_dir_is_named(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("MNIST_DIR", str(tmp_path))
        with pytest.raises(UserError, match="train-images-idx3-ubyte is not in"):
            data.load_training_set()

    def test_a_truncated_file_in_the_cache_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("MNIST_DIR", raising=False)
        raw = data.cache_folder() / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for file in (mnist.TRAINING_IMAGES, mnist.TRAINING_LABELS):
            (raw / file.name).write_bytes(b"cut off")
        with pytest.raises(UserError, match=r"is cut off, 7 bytes .*: delete it, and the next run fetches"):
            data.load_training_set()
