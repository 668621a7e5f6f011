"""The sample of test images beside a model file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from common.errors import UserError
from common.paths import MODELS
from data import mnist, sample
from data.examples import Examples


def numbered(labels: list[int]) -> Examples:
    images = np.zeros((len(labels), 3, 4, 5), np.uint8)
    images[:, 0, 0, 0] = np.arange(len(labels)) % 256
    return Examples(images, np.array(labels, np.uint8))


def test_a_sample_is_read_as_it_was_written(tmp_path: Path) -> None:
    model = tmp_path / "small.npz"
    sample.write(model, numbered([1, 0, 2]))
    assert sample.path_of(model) == tmp_path / "small.test.npz"
    read = sample.read(model)
    assert read.labels.tolist() == [1, 0, 2] and read.shape == (3, 4, 5)
    np.testing.assert_array_equal(read.images, numbered([1, 0, 2]).images)


def test_the_same_examples_give_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        sample.write(tmp_path / f"{name}.npz", numbered([1, 0, 2])[np.array([0, 1, 2])])
    assert (tmp_path / "a.test.npz").read_bytes() == (tmp_path / "b.test.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.test.npz") as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_first_images_are_chosen() -> None:
    assert sample.choose(numbered([0, 1] * 150)).images[:, 0, 0, 0].tolist() == list(range(200))
    assert len(sample.choose(numbered([0, 1] * 3))) == 6


def test_a_test_part_in_the_order_of_its_classes_is_shuffled() -> None:
    chosen = sample.choose(numbered([0] * 250 + [1] * 50))
    assert len(chosen) == 200 and set(chosen.labels.tolist()) == {0, 1}


@pytest.mark.parametrize("name", ["cnn", "linear", "max"])
def test_the_committed_samples_are_the_first_images_of_mnists_test_part(name: str) -> None:
    chosen = sample.read(MODELS / f"{name}.npz")
    test = mnist.load_test_set()[: sample.COUNT]
    np.testing.assert_array_equal(chosen.images, test.images)
    np.testing.assert_array_equal(chosen.labels, test.labels)


def test_a_missing_sample_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.npz has no test images beside it: restore .*a\.test\.npz"):
        sample.read(tmp_path / "a.npz")


def test_a_damaged_sample_is_one_sentence(tmp_path: Path) -> None:
    model = tmp_path / "a.npz"
    sample.write(model, numbered([0, 1]))
    whole = sample.path_of(model).read_bytes()
    contents = [whole[:-30], whole[:100], b"", b"no archive", whole.replace(b"labels", b"xxxxxx")]
    for content in contents:
        sample.path_of(model).write_bytes(content)
        with pytest.raises(UserError, match=r"a\.test\.npz is damaged: restore it with git, or train again"):
            sample.read(model)


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (np.zeros((2, 5, 7), np.uint8), np.zeros(2, np.uint8)),
        (np.zeros((2, 1, 5, 7), np.uint8), np.zeros(3, np.uint8)),
        (np.zeros((2, 1, 5, 7), np.int32), np.zeros(2, np.uint8)),
        (np.zeros((2, 1, 5, 7), np.uint8), np.zeros(2, np.int64)),
        (np.zeros((0, 1, 5, 7), np.uint8), np.zeros(0, np.uint8)),
    ],
)
def test_arrays_of_another_kind_are_no_sample(images: np.ndarray, labels: np.ndarray, tmp_path: Path) -> None:
    sample.write(tmp_path / "a.npz", Examples(images, labels))
    with pytest.raises(UserError, match="is damaged"):
        sample.read(tmp_path / "a.npz")
