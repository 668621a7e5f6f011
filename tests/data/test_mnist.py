"""The MNIST files: the committed test set, and what is said about damaged ones."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from common.errors import UserError
from data import mnist
from data.mnist import TEST_IMAGES, TEST_LABELS


@pytest.fixture
def folder(tmp_path: Path):
    """A copy of the committed files, to be damaged."""
    for file in mnist.DATA.glob("*.gz"):
        shutil.copy(file, tmp_path)
    return tmp_path


def test_the_committed_test_set_is_mnists() -> None:
    digits = mnist.load_test_set()
    assert digits.images.shape == (10_000, 28, 28) and digits.images.dtype == np.uint8
    assert digits.labels.shape == (10_000,) and digits.labels.dtype == np.uint8
    assert digits.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert len(digits[:100]) == 100


def test_unpacked_files_are_read_as_well(folder) -> None:
    for packed in folder.glob("*.gz"):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
        packed.unlink()
    assert len(mnist.load_test_set(folder)) == 10_000


def test_a_missing_file_is_named(folder) -> None:
    (folder / f"{TEST_LABELS.name}.gz").unlink()
    with pytest.raises(UserError, match=r"t10k-labels-idx1-ubyte is not in .*: put it there\.$"):
        mnist.load_test_set(folder)


def test_a_gzip_cut_in_half_is_noticed(folder) -> None:
    path = folder / f"{TEST_IMAGES.name}.gz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=r"t10k-images-idx3-ubyte\.gz is damaged or cut off"):
        mnist.load_test_set(folder)


def test_something_else_than_gzip_is_noticed(folder) -> None:
    (folder / f"{TEST_IMAGES.name}.gz").write_bytes(b"<html>not found</html>")
    with pytest.raises(UserError, match="is damaged or cut off"):
        mnist.load_test_set(folder)


def test_an_unpacked_file_cut_off_is_noticed(folder) -> None:
    (folder / TEST_LABELS.name).write_bytes(bytes(100))
    with pytest.raises(UserError, match="is cut off, 100 bytes instead of 10,008"):
        mnist.load_test_set(folder)


@pytest.mark.parametrize("extra", [b"", b"\0" * 1000], ids=["altered", "longer"])
def test_an_altered_file_is_noticed(folder, extra: bytes) -> None:
    path = folder / f"{TEST_LABELS.name}.gz"
    content = bytearray(gzip.decompress(path.read_bytes())) + extra
    content[5000] ^= 1
    path.write_bytes(gzip.compress(content))
    with pytest.raises(UserError, match="is not MNIST's original, its SHA-256 differs"):
        mnist.load_test_set(folder)
