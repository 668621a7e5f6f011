"""torchvision's data sets, read from made-up files in the layout of its downloads. Nothing is downloaded."""

from __future__ import annotations

import hashlib
import pickle
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

from common.errors import UserError
from data.examples import Dataset
from data.readers.published import cache_folder
from pictures.preparation import Preparation
from training.images.training_set import load
from training.images.vision import torchvision

pytestmark = pytest.mark.train

COUNT = 60


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def download(*_: object, **__: object) -> None:
        raise OSError("no network in tests")

    monkeypatch.setattr(torchvision.datasets.mnist, "download_and_extract_archive", download)
    monkeypatch.setattr(torchvision.datasets.cifar, "download_and_extract_archive", download)


def pictures(*shape: int) -> np.ndarray:
    """Noise; each has its number as its first pixel and a bright corner at the top right."""
    images = np.random.default_rng(2).integers(0, 100, (COUNT, *shape)).astype(np.uint8)
    images[:, 0, 0], images[:, 0, -1] = np.arange(COUNT).reshape(-1, *[1] * (len(shape) - 2)), 255
    return images


def write_idx(path: Path, array: np.ndarray, kind: int = 8) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes([0, 0, kind, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(header + array.tobytes())


def kmnist() -> None:
    raw = cache_folder() / "KMNIST" / "raw"
    for part in ("train", "t10k"):
        write_idx(raw / f"{part}-images-idx3-ubyte", pictures(28, 28))
        write_idx(raw / f"{part}-labels-idx1-ubyte", (np.arange(COUNT) % 10).astype(np.uint8))


def emnist() -> None:
    raw = cache_folder() / "EMNIST" / "raw"
    for part in ("train", "test"):
        write_idx(raw / f"emnist-letters-{part}-images-idx3-ubyte", pictures(28, 28).transpose(0, 2, 1))
        write_idx(
            raw / f"emnist-letters-{part}-labels-idx1-ubyte", (np.arange(COUNT) % 26 + 1).astype(np.uint8)
        )


def qmnist() -> None:
    raw = cache_folder() / "QMNIST" / "raw"
    for part in ("train", "test"):
        write_idx(raw / f"qmnist-{part}-images-idx3-ubyte", pictures(28, 28))
        labels = np.stack([np.arange(COUNT) % 10, *[np.full(COUNT, 77)] * 7], axis=1)
        write_idx(raw / f"qmnist-{part}-labels-idx2-int", labels.astype(">i4"), kind=12)


def cifar10(monkeypatch: pytest.MonkeyPatch) -> None:
    """torchvision compares MD5 sums: those of the made-up files take the place of the real ones."""
    folder = cache_folder() / "cifar-10-batches-py"
    folder.mkdir(parents=True)

    def write(name: str, content: object) -> str:
        (folder / name).write_bytes(pickle.dumps(content))
        return hashlib.md5((folder / name).read_bytes()).hexdigest()

    def batch(name: str) -> list[str]:
        planar = pictures(32, 32, 3).transpose(0, 3, 1, 2).reshape(COUNT, -1)
        return [name, write(name, {"data": planar, "labels": [number % 10 for number in range(COUNT)]})]

    kind = torchvision.datasets.CIFAR10
    monkeypatch.setattr(kind, "train_list", [batch(f"data_batch_{number}") for number in (1, 2)])
    monkeypatch.setattr(kind, "test_list", [batch("test_batch")])
    meta = {"filename": "batches.meta", "key": "label_names"}
    monkeypatch.setattr(kind, "meta", meta | {"md5": write("batches.meta", {"label_names": ["any"] * 10})})


def check(dataset: Dataset, classes: int) -> None:
    assert len(dataset.interface.class_names) == classes and len(dataset.test) == COUNT
    expected = (np.arange(COUNT) % classes).tolist()
    assert dataset.test.labels.tolist() == expected and dataset.train.labels[:COUNT].tolist() == expected
    assert dataset.test.images[:, 0, 0, 0].tolist() == list(range(COUNT))
    assert (dataset.test.images[:, :, 0, -1] == 255).all()  # upright: the bright corner is at the top right
    assert dataset.checksums.keys() == {"train", "test"}


@pytest.mark.parametrize(
    ("name", "write", "classes", "some_names"),
    [
        ("KMNIST", kmnist, 10, ("o", "ki")),
        ("EMNIST", emnist, 26, ("a", "b")),
        ("QMNIST", qmnist, 10, ("0", "1")),
    ],
)
def test_grey_sets(name: str, write: Callable[[], None], classes: int, some_names: tuple[str, ...]) -> None:
    write()
    dataset = load(f"torchvision:{name}")
    assert dataset.interface.shape == (1, 28, 28) and dataset.source == f"torchvision:{name}"
    assert dataset.interface.class_names[:2] == some_names
    check(dataset, classes)


def test_cifar10_is_planar(monkeypatch: pytest.MonkeyPatch) -> None:
    cifar10(monkeypatch)
    dataset = load("torchvision:CIFAR10", Preparation("fit"))
    assert dataset.interface.shape == (3, 32, 32) and dataset.interface.preparation == Preparation("fit")
    assert len(dataset.train) == 2 * COUNT
    np.testing.assert_array_equal(dataset.test.images, pictures(32, 32, 3).transpose(0, 3, 1, 2))
    check(dataset, 10)


def test_the_checksum_depends_on_images_and_labels() -> None:
    kmnist()
    before = load("torchvision:KMNIST").checksums
    labels = cache_folder() / "KMNIST" / "raw" / "t10k-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\0")
    after = load("torchvision:KMNIST").checksums
    assert before["train"] == after["train"] and before["test"] != after["test"]


@pytest.mark.parametrize("name", ["KMNIST", "EMNIST", "QMNIST", "CIFAR10"])
def test_a_failed_download_is_one_sentence(name: str) -> None:
    with pytest.raises(UserError, match=f"{name} is not in .*, or damaged, and cannot be downloaded: check"):
        load(f"torchvision:{name}")


def test_a_truncated_file_is_one_sentence() -> None:
    kmnist()
    images = cache_folder() / "KMNIST" / "raw" / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"KMNIST is not in .*, or damaged"):
        load("torchvision:KMNIST")


@pytest.mark.parametrize("name", ["MNIST", "kmnist", "ImageNet", ""])
def test_another_set_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="torchvision's are KMNIST, EMNIST, QMNIST, CIFAR10"):
        load(f"torchvision:{name}")


def test_a_shape_other_than_the_sets_own_is_refused() -> None:
    kmnist()
    with pytest.raises(UserError, match="torchvision:KMNIST are 1 x 28 x 28, not 3 x 32 x 32"):
        load("torchvision:KMNIST", None, (3, 32, 32))
