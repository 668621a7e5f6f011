"""A folder with four IDX files: shapes, names, compression, checksums, and the errors about bad files."""

from __future__ import annotations

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import UserError
from data import sources
from data.readers import idx

PARTS = ("train-images", "train-labels", "t10k-images", "t10k-labels")


def idx_bytes(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def name(part: str) -> str:
    return f"{part}-idx{3 if part.endswith('images') else 1}-ubyte"


def write(folder: Path, part: str, array: np.ndarray, compressed: bool = False) -> None:
    content = idx_bytes(array.astype(np.uint8))
    path = folder / name(part)
    if compressed:
        path = path.with_name(f"{path.name}.gz")
        content = gzip.compress(content)
    path.write_bytes(content)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """30 training images and 10 test images of 5 x 7 pixels in three classes."""
    random = np.random.default_rng(1)
    for part, count in (("train", 30), ("t10k", 10)):
        write(tmp_path, f"{part}-images", random.integers(0, 256, (count, 5, 7)), compressed=part == "train")
        write(tmp_path, f"{part}-labels", np.arange(count) % 3)
    return tmp_path


def test_shape_classes_and_checksums_follow_from_the_files(folder: Path) -> None:
    dataset = sources.load(str(folder))
    assert dataset.interface.shape == (1, 5, 7) and dataset.interface.class_names == ("0", "1", "2")
    assert (len(dataset.train), len(dataset.test)) == (30, 10)
    assert dataset.train.labels.tolist() == [0, 1, 2] * 10
    first = np.random.default_rng(1).integers(0, 256, (30, 5, 7)).astype(np.uint8)
    np.testing.assert_array_equal(dataset.train.images[:, 0], first)
    assert dataset.checksums.keys() == set(map(name, PARTS))
    assert dataset.checksums["train-images-idx3-ubyte"] == hashlib.sha256(idx_bytes(first)).hexdigest()
    assert dataset.source == str(folder)


def test_names_of_classes_come_from_classes_txt(folder: Path) -> None:
    (folder / "classes.txt").write_text("cup\nspoon\n\nfork \n")
    assert sources.load(str(folder)).interface.class_names == ("cup", "spoon", "fork")


def test_images_may_have_three_channels(folder: Path) -> None:
    write(folder, "t10k-images", np.zeros((10, 3, 4, 6)))
    write(folder, "train-images", np.ones((30, 3, 4, 6)))
    (folder / f"{name('train-images')}.gz").unlink()
    assert sources.load(str(folder)).interface.shape == (3, 4, 6)


def test_files_may_say_test_instead_of_t10k(folder: Path) -> None:
    for path in folder.glob("t10k*"):
        path.rename(folder / path.name.replace("t10k", "emnist-letters-test"))
    assert len(sources.load(str(folder)).test) == 10


@pytest.mark.parametrize(
    ("part", "array", "complaint"),
    [
        ("train-labels", np.arange(29) % 3, "30 images, but .* has 29 labels: the two files do not belong"),
        ("t10k-images", np.zeros((10, 5, 6)), "have test images of 1 x 5 x 6, not of 1 x 5 x 7"),
        ("t10k-images", np.zeros((10, 5)), "has 2 dimensions and .*: images have 3"),
        ("t10k-images", np.zeros((0, 5, 7)), "has 0 images, but"),
        ("t10k-images", np.zeros((10, 3, 7)), "1 x 3 x 7 are not supported: rows and columns are from 4"),
        ("t10k-images", np.zeros((10, 2, 8, 8)), "have 2 channels: supported are 1"),
        ("train-labels", np.array([0] * 28 + [1, 2]), "Class 1 of .* has 1 training images, and at least 2"),
        ("train-labels", np.arange(30) + 50, "There are 80 classes, and the limits are 2 and 64"),
        ("t10k-labels", np.full(10, 4), "Class 3 of .* has 0 training images"),
    ],
)
def test_bad_data_is_one_sentence(part: str, array: np.ndarray, complaint: str, folder: Path) -> None:
    write(folder, part, array)
    with pytest.raises(UserError, match=complaint):
        sources.load(str(folder))


def test_a_label_without_a_name_is_refused(folder: Path) -> None:
    (folder / "classes.txt").write_text("cup\nspoon\n")
    with pytest.raises(UserError, match="have the label 2 among their training images, but only 2 classes"):
        sources.load(str(folder))


def test_a_class_name_with_a_blank_is_refused(folder: Path) -> None:
    (folder / "classes.txt").write_text("cup\ntea spoon\nfork")
    with pytest.raises(UserError, match=r"class name 'tea spoon' is not supported: use 1 to 16"):
        sources.load(str(folder))


def test_class_names_in_another_encoding_are_refused(folder: Path) -> None:
    (folder / "classes.txt").write_bytes("für".encode("latin-1"))
    with pytest.raises(UserError, match=r"classes\.txt cannot be read: write one name a line, in UTF-8"):
        sources.load(str(folder))


@pytest.mark.parametrize("part", PARTS)
def test_a_missing_file_is_named(part: str, folder: Path) -> None:
    for path in folder.glob(f"{part}*"):
        path.unlink()
    words = part.replace("t10k", "test").replace("-", " ")
    with pytest.raises(UserError, match=f"has no {words}: name the files like MNIST's"):
        sources.load(str(folder))


def test_two_files_of_one_kind_are_refused(folder: Path) -> None:
    write(folder, "train-labels", np.zeros(30), compressed=True)
    with pytest.raises(UserError, match=r"has both train-labels-idx1-ubyte and train-.*\.gz: remove one"):
        sources.load(str(folder))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is not an IDX file"),
        (b"\0\0\x0d\x01" + bytes(20), "is not an IDX file"),  # float32
        (b"\0\0\x08\0", "is not an IDX file"),
        (b"\0\0\x08\x03" + bytes(8), "is not an IDX file"),
        (idx_bytes(np.zeros(10, np.uint8))[:-1], "is truncated: it has 17 bytes instead of 18"),
        (idx_bytes(np.zeros(10, np.uint8)) + b"\0", "has more bytes than the 18 that its header says"),
        (b"\0\0\x08\x01\xff\xff\xff\xff", "is truncated: it has 8 bytes instead of 4,294,967,303"),
    ],
)
def test_a_damaged_file_is_one_sentence(content: bytes, complaint: str, folder: Path) -> None:
    (folder / name("t10k-labels")).write_bytes(content)
    with pytest.raises(UserError, match=f"{name('t10k-labels')} {complaint}"):
        sources.load(str(folder))


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=40), valid_start=st.integers(0, 8))
def test_any_bytes_are_an_array_of_their_size_or_one_sentence(content: bytes, valid_start: int) -> None:
    whole = b"\0\0\x08\x01\0\0\0\x04"[:valid_start] + content
    try:
        array = idx.parse(whole, Path("some-file"))
    except UserError as error:
        assert str(error).startswith("some-file ")
    else:
        assert whole.endswith(array.tobytes()) and len(whole) == 4 + 4 * array.ndim + array.size


def test_a_truncated_gzip_file_is_one_sentence(folder: Path) -> None:
    path = folder / f"{name('train-images')}.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"ubyte\.gz is damaged or truncated: replace it"):
        sources.load(str(folder))
