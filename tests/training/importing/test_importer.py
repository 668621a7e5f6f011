"""Imported models: accuracy in float and in integers, fine-tuning, the files written, and refusals."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")
pytest.importorskip("onnx", reason="onnx is not installed: invoke setup --train")

import torch
from network_builds import run_native
from onnx_graphs import logits_by_onnx, node, random, write_chain
from torch import nn
from torch.nn import functional

from common.errors import UserError
from compiler import model_file, reference
from compiler.kernels.conv3x3_lanes import fits_lanes
from compiler.network import IMAGE, Weighted
from data import mnist, sample
from data.examples import Dataset, Examples, Interface
from pictures.preparation import Preparation
from training.images.tensors import as_input, as_labels
from training.importing import importer
from training.importing.importer import import_network
from training.loop.trainer import Trainer

pytestmark = pytest.mark.train

DIGITS = mnist.load_test_set()
TRAINING, TEST = DIGITS[:3_500], DIGITS[3_500:4_500]
SMALL = Dataset("mnist", mnist.INTERFACE, TRAINING, TEST, {})
# Rounding to integers of 8 bits may change the decision on a few images close to the boundary of two classes.
MARGIN = 0.005
GRAY: list[int | str] = ["n", 1, 28, 28]


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "load", lambda *options: SMALL)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained convolutional network of normalised images."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, stride=2, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU6(),
        nn.Conv2d(8, 16, 3),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16 * 36, 10),
        nn.LogSoftmax(dim=1),
    )
    images, labels = (as_input(TRAINING.images) - 0.1307) / 0.3081, as_labels(TRAINING.labels)
    optimizer = torch.optim.AdamW(network.parameters(), 5e-3)
    for _ in range(3):
        for batch in torch.randperm(len(labels)).split(50):
            optimizer.zero_grad()
            functional.nll_loss(network(images[batch]), labels[batch]).backward()
            optimizer.step()
    path = tmp_path_factory.mktemp("exported") / "digits.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network.eval(), (images[:1],), path, dynamo=False)
    return path


def run(path: Path, tmp_path: Path, **options: Any) -> importer.ImportResult:
    arguments: dict[str, Any] = {"input_range": "0.1307/0.3081", "output": tmp_path / "digits.npz"} | options
    return import_network(path, "mnist", "digits", **arguments)


def test_integers_recognise_what_the_file_does(exported: Path, tmp_path: Path) -> None:
    result = run(exported, tmp_path)
    model = model_file.load(result.output)
    normalised = (TEST.images.astype(np.float32) / 255 - np.float32(0.1307)) / np.float32(0.3081)
    by_onnx = (logits_by_onnx(exported, normalised[:300]).argmax(axis=1) == TEST.labels[:300]).mean()
    assert by_onnx > 0.9
    assert abs(reference.accuracy(model, TEST[:300]) - by_onnx) <= 0.01
    assert result.float_accuracy > 0.92
    assert result.integer_accuracy > result.float_accuracy - MARGIN
    assert result.integer_accuracy == reference.accuracy(model, TEST)
    assert str(result).startswith(
        f"digits recognises {result.integer_accuracy:.2%} of 1,000 test images in int"
    )
    assert [note[:33] for note in result.notes] == ["Note: Conv '/0/Conv' pads normali"]


def test_the_model_file_is_one_like_any_other(exported: Path, tmp_path: Path) -> None:
    result = run(exported, tmp_path)
    model = model_file.load(result.output)
    assert model.name == "digits" and model.class_names == mnist.INTERFACE.class_names
    images = sample.read(result.output)
    np.testing.assert_array_equal(images.images, TEST.images[:200])
    expected = reference.run(model, images.images[:5])
    np.testing.assert_array_equal(run_native(model, tmp_path, images.images[:5]), expected)
    metadata = model.metadata
    assert metadata["imported"]["file"] == "digits.onnx"
    assert metadata["imported"]["input range"] == "0.1307/0.3081"
    assert len(metadata["imported"]["SHA-256"]) == 64
    assert metadata["accuracy"]["test, integer"] == result.integer_accuracy
    assert metadata["epochs"] == 0 and metadata["training images"] + metadata["held-out images"] == 3_500
    again = run(exported, tmp_path, output=tmp_path / "again.npz")
    assert again.output.read_bytes() == result.output.read_bytes()


def test_fine_tuning_recovers_what_fast_quantisation_loses(exported: Path, tmp_path: Path) -> None:
    rounded = run(exported, tmp_path, fast=True)
    tuned = run(exported, tmp_path, fast=True, fine_tune=2)
    assert tuned.integer_accuracy > rounded.integer_accuracy
    assert tuned.integer_accuracy > tuned.float_accuracy - MARGIN
    model = model_file.load(tuned.output)
    assert model.metadata["epochs"] == 2
    layers = [layer for layer in model.layers if isinstance(layer, Weighted)]
    assert [layer.weight_bits for layer in layers] == [8, 4, 8]
    sources = [IMAGE, *model.tensors]
    for layer, source in zip(model.layers, sources, strict=False):
        assert not isinstance(layer, Weighted) or fits_lanes(layer, source)


def test_fine_tuning_that_does_not_help_is_dropped(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounded = model_file.load(run(exported, tmp_path).output)
    monkeypatch.setattr(Trainer, "train_step", lambda self, step, images, labels: spoil(self))
    spoiled = model_file.load(run(exported, tmp_path, fine_tune=1).output)
    assert spoiled.checksum == rounded.checksum


@torch.no_grad()
def spoil(trainer: Trainer) -> float:
    for parameter in [*trainer.network.parameters(), *trainer.average.network.parameters()]:
        parameter *= 1.01
    return 1.0


def test_a_wrong_input_range_is_noticed(exported: Path, tmp_path: Path) -> None:
    result = run(exported, tmp_path, input_range="0-255")
    assert result.float_accuracy < 0.9
    (note,) = result.notes
    assert re.search(r"recognises 9\d\.\d% with --input-range 0\S+ and \d+\.\d% with 0-255: use", note)
    assert not any("--input-range" in note for note in run(exported, tmp_path).notes)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"name": "cnn"}, "cnn is the name of a network in training/models.py: choose another --name."),
        ({"name": "Digits"}, "the name 'Digits' is not a lower-case letter"),
        ({"fine_tune": -1}, "--fine-tune takes a number of epochs, 0 or more, not -1."),
        ({"input_range": "grey"}, "--input-range grey is not supported"),
    ],
)
def test_options_that_are_refused(
    options: dict[str, Any], complaint: str, exported: Path, tmp_path: Path
) -> None:
    arguments: dict[str, Any] = {"name": "digits", "output": tmp_path / "digits.npz"} | options
    with pytest.raises(UserError) as caught:
        import_network(exported, "mnist", **arguments)
    assert complaint in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_network_of_other_classes(tmp_path: Path) -> None:
    path = write_chain(tmp_path / "five.onnx", GRAY, node("Flatten"), node("Gemm", random(784, 5)))
    with pytest.raises(UserError, match=r"five.onnx distinguishes 5 classes, and the data mnist have 10."):
        run(path, tmp_path)


def test_a_network_of_images_of_another_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    path = write_chain(tmp_path / "small.onnx", ["n", 64], node("MatMul", random(64, 10)))
    with pytest.raises(UserError, match="The images of mnist are 1 x 28 x 28, not 1 x 8 x 8: only a folder"):
        run(path, tmp_path)


def test_a_network_that_does_not_fit_the_chip(tmp_path: Path) -> None:
    hidden = [node("Flatten"), node("Gemm", random(784, 100)), node("Relu"), node("Gemm", random(100, 10))]
    path = write_chain(tmp_path / "large.onnx", GRAY, *hidden)
    with pytest.raises(UserError, match="Model digits does not fit the chip: it needs"):
        run(path, tmp_path)


def two_classes(names: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> Examples:
    """Dark images of the first class and bright ones of the second take the place of the data."""
    generator = np.random.default_rng(0)
    labels = np.arange(120, dtype=np.uint8) % 2
    images = generator.integers(0, 100, (120, 1, 8, 8), np.uint8) + labels.reshape(-1, 1, 1, 1) * np.uint8(
        150
    )
    examples = Examples(images, labels)
    interface = Interface((1, 8, 8), names, Preparation("fit"))
    dataset = Dataset("brightness", interface, examples, examples, {})
    monkeypatch.setattr(importer, "load", lambda *options: dataset)
    return examples


def test_one_logit_becomes_two_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two_classes(("dark", "bright"), monkeypatch)
    brightness = [node("Gemm", np.full((64, 1), 1 / 64, np.float32), np.full(1, -0.5, np.float32))]
    path = write_chain(tmp_path / "one.onnx", ["n", 64], *brightness, node("Sigmoid"))
    result = run(path, tmp_path, input_range="")
    assert result.integer_accuracy == result.float_accuracy == 1


@pytest.mark.parametrize("names", [("dark", "bright"), ("no", "yes")])
def test_labels_in_the_file_order_the_classes(
    names: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_classes(names, monkeypatch)
    # The logits are those of bright and dark, in the order of the alphabet.
    weights = np.repeat(np.array([[1 / 64, -1 / 64]], np.float32), 64, axis=0)
    logits = node("Gemm", weights, np.array([-0.5, 0.5], np.float32))
    zipmap = node("ZipMap", domain="ai.onnx.ml", classlabels_strings=["bright", "dark"])
    path = write_chain(tmp_path / "labels.onnx", ["n", 64], logits, node("Softmax"), zipmap)
    result = run(path, tmp_path, input_range="")
    # Labels that are not the data's names say nothing about the order.
    assert result.integer_accuracy == (1 if names == ("dark", "bright") else 0)
