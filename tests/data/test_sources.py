"""Sources by their names: which data each gives, and the errors about other names."""

from __future__ import annotations

import gzip
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common.errors import UserError
from common.paths import DATA
from data import mnist, sources
from data.fashion_mnist import CLASS_NAMES, FASHION_MNIST
from data.readers.published import Published
from pictures.preparation import Preparation


@pytest.fixture
def no_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Published:
    """Fashion-MNIST on a machine that has none of its folders."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FASHION_MNIST_DIR", raising=False)
    return replace(FASHION_MNIST, installed=())


def test_the_digits_of_scikit_learn() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: invoke setup --train")
    dataset = sources.load("sklearn:digits")
    assert dataset.interface.shape == (1, 8, 8) and len(dataset.interface.class_names) == 10
    assert (len(dataset.train), len(dataset.test)) == (1438, 359)
    assert np.bincount(dataset.test.labels).min() == 35
    assert dataset.train.images.max() == 255
    # The first digit of scikit-learn is a zero, whose first row counts 0, 0, 5, 13, 9, 1, 0, 0 of 16 pixels.
    row = np.array([0, 0, 80, 207, 143, 16, 0, 0])
    rows = np.concatenate([dataset.train.images, dataset.test.images])[:, 0, 0]
    assert (rows == row).all(axis=1).any()


def test_a_machine_without_scikit_learn_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(UserError, match="sklearn:digits needs scikit-learn: type"):
        sources.load("sklearn:digits")


@pytest.mark.skipif(
    not FASHION_MNIST.is_complete(),
    reason="Fashion-MNIST is not here: install dataset-fashion-mnist",
)
def test_fashion_mnist() -> None:
    dataset = sources.load("fashion-mnist")
    assert dataset.interface.class_names == CLASS_NAMES and "ankle-boot" in CLASS_NAMES
    assert dataset.train.images.shape == (60_000, 1, 28, 28) and len(dataset.test) == 10_000
    assert dataset.test.labels[:5].tolist() == [9, 2, 1, 1, 6]
    assert dataset.checksums == FASHION_MNIST.checksums


def test_a_named_folder_is_read_and_its_files_are_checked(
    no_folders: Published, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FASHION_MNIST_DIR", str(tmp_path))
    for path in DATA.glob("*.gz"):  # MNIST's files have the same names and sizes
        shutil.copy(path, tmp_path)
    with pytest.raises(UserError, match=r"is not the original Fashion-MNIST file \(its SHA-256 differs\)"):
        no_folders.load_test()


def test_the_cache_of_downloads_comes_last(no_folders: Published) -> None:
    assert not no_folders.is_complete()
    no_folders.cache.mkdir(parents=True)
    for file in no_folders.files:
        (no_folders.cache / f"{file.name}.gz").write_bytes(gzip.compress(b"short"))
    assert no_folders.cache.parts[-2:] == ("FashionMNIST", "raw")
    assert no_folders.is_complete()
    with pytest.raises(UserError, match="has 5 bytes instead of 7,840,016; delete it, and the next run"):
        no_folders.load_test()


def test_data_that_are_nowhere_are_one_sentence(no_folders: Published) -> None:
    with pytest.raises(
        UserError, match="is not on this machine: set FASHION_MNIST_DIR to a folder with its four files"
    ):
        no_folders.load_test()


def test_mnists_test_part_is_the_committed_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    np.testing.assert_array_equal(sources.load_test("mnist").images, mnist.load_test_set().images)
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte .*is not in"):
        sources.load("mnist")


def test_a_preparation_replaces_the_sources() -> None:
    dataset = sources.load("sklearn:digits")
    other = sources.adapted(dataset, Preparation("stretch", "dark"), (1, 8, 8))
    assert other.interface.preparation == Preparation("stretch", "dark")
    assert sources.adapted(dataset, None, None) is dataset


def test_another_shape_is_for_folders_of_pictures_only() -> None:
    with pytest.raises(UserError, match="images of sklearn:digits are 1 x 8 x 8, not 3 x 32 x 32: only"):
        sources.load("sklearn:digits", None, (3, 32, 32))


@pytest.mark.parametrize("name", ["minst", "MNIST", "", "/nowhere/at/all", "sklearn:iris"])
def test_an_unknown_source_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(UserError, match=f"There are no data '{name}': name a folder, or mnist"):
        sources.load(name)


def test_torchvisions_sources_are_left_to_training() -> None:
    with pytest.raises(UserError, match="torchvision:KMNIST can only be read by tasks that use torch"):
        sources.load("torchvision:KMNIST")


def test_an_empty_folder_has_nothing_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("nothing")
    with pytest.raises(UserError, match="has nothing that can be read: put four IDX files into it, or pict"):
        sources.load(str(tmp_path))
