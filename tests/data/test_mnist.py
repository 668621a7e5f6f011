"""The MNIST files: the committed test set, and the errors about damaged files."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from common.errors import UserError
from common.paths import DATA
from data import mnist
from data.mnist import TEST_IMAGES, TEST_LABELS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the committed files, for a test to damage."""
    for file in DATA.glob("*.gz"):
        shutil.copy(file, tmp_path)
    return tmp_path


def test_the_committed_test_set_is_mnists() -> None:
    digits = mnist.load_test_set()
    assert digits.images.shape == (10_000, 1, 28, 28) and digits.images.dtype == np.uint8
    assert digits.labels.shape == (10_000,) and digits.labels.dtype == np.uint8
    assert digits.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    # The first image is a seven: its ink lies in rows 7 to 26 and columns 6 to 21.
    rows, columns = np.nonzero(digits.images[0, 0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (7, 26, 6, 21)


def test_digits_are_sliced_and_indexed_together() -> None:
    digits = mnist.load_test_set()
    assert len(digits) == 10_000 and len(digits[:100]) == 100
    chosen = digits[np.array([3, 1])]
    assert chosen.labels.tolist() == [0, 2]
    np.testing.assert_array_equal(chosen.images, digits.images[[3, 1]])


def test_uncompressed_files_are_read_too(folder: Path) -> None:
    for compressed in folder.glob("*.gz"):
        compressed.with_suffix("").write_bytes(gzip.decompress(compressed.read_bytes()))
        compressed.unlink()
    assert len(mnist.load_test_set(folder)) == 10_000


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / f"{TEST_LABELS.name}.gz").unlink()
    with pytest.raises(UserError, match=r"t10k-labels-idx1-ubyte .*is not in .*: put it there\.$"):
        mnist.load_test_set(folder)


def test_a_gzip_cut_in_half_is_noticed(folder: Path) -> None:
    path = folder / f"{TEST_IMAGES.name}.gz"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=r"t10k-images-idx3-ubyte\.gz is damaged or truncated: replace it"):
        mnist.load_test_set(folder)


def test_a_file_that_is_not_gzip_is_noticed(folder: Path) -> None:
    (folder / f"{TEST_IMAGES.name}.gz").write_bytes(b"<html>not found</html>")
    with pytest.raises(UserError, match="is damaged or truncated"):
        mnist.load_test_set(folder)


def test_a_truncated_uncompressed_file_is_noticed(folder: Path) -> None:
    (folder / TEST_LABELS.name).write_bytes(bytes(100))
    with pytest.raises(UserError, match="is truncated: it has 100 bytes instead of 10,008"):
        mnist.load_test_set(folder)


def test_a_file_that_cannot_be_read_is_named(folder: Path) -> None:
    path = folder / f"{TEST_LABELS.name}.gz"
    path.unlink()
    path.mkdir()
    with pytest.raises(UserError, match=r"labels-idx1-ubyte\.gz cannot be read: Is a directory\.$"):
        mnist.load_test_set(folder)


@pytest.mark.parametrize("extra", [b"", b"\0", b"\0" * 1000], ids=["altered", "one byte longer", "longer"])
def test_an_altered_file_is_noticed(folder: Path, extra: bytes) -> None:
    path = folder / f"{TEST_LABELS.name}.gz"
    content = bytearray(gzip.decompress(path.read_bytes())) + extra
    if not extra:
        content[5000] ^= 1
    path.write_bytes(gzip.compress(content))
    with pytest.raises(UserError, match=r"is not the original MNIST file \(its SHA-256 differs\)"):
        mnist.load_test_set(folder)
