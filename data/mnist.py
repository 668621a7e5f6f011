"""The MNIST files: their names and checksums, how to read them, and the committed test set.

MNIST is by Y. LeCun, C. Cortes and C. Burges. A file is in IDX format: a header of 16 bytes for images or 8
for labels, then one byte for each pixel or label.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.paths import DATA, shown
from data.examples import Examples, Interface
from pictures.preparation import Preparation

ROWS = COLS = 28
CLASSES = 10

TRAINING_COUNT = 60_000
TEST_COUNT = 10_000

IMAGE_HEADER = 16  # bytes
LABEL_HEADER = 8  # bytes


@dataclass(frozen=True)
class IdxFile:
    """One of MNIST's four files, uncompressed: its name, size in bytes and SHA-256."""

    name: str
    size: int
    sha256: str


TRAINING_IMAGES = IdxFile(
    "train-images-idx3-ubyte",
    IMAGE_HEADER + TRAINING_COUNT * ROWS * COLS,
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
)
TRAINING_LABELS = IdxFile(
    "train-labels-idx1-ubyte",
    LABEL_HEADER + TRAINING_COUNT,
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
)
TEST_IMAGES = IdxFile(
    "t10k-images-idx3-ubyte",
    IMAGE_HEADER + TEST_COUNT * ROWS * COLS,
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
)
TEST_LABELS = IdxFile(
    "t10k-labels-idx1-ubyte",
    LABEL_HEADER + TEST_COUNT,
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
)
FILES = (TRAINING_IMAGES, TRAINING_LABELS, TEST_IMAGES, TEST_LABELS)


INTERFACE = Interface((1, ROWS, COLS), tuple(map(str, range(CLASSES))), Preparation("mnist"))


def load_test_set(folder: Path = DATA) -> Examples:
    """MNIST's 10,000 test images, from the files committed with the project.

    Raises UserError if a file is missing, truncated or altered.
    """
    images = read(folder, TEST_IMAGES)
    labels = read(folder, TEST_LABELS)
    return Examples(
        np.frombuffer(images, np.uint8, offset=IMAGE_HEADER).reshape(-1, 1, ROWS, COLS),
        np.frombuffer(labels, np.uint8, offset=LABEL_HEADER),
    )


def read(folder: Path, file: IdxFile, remedy: str = "replace it with a good copy") -> bytes:
    """The uncompressed content of NAME or NAME.gz in a folder, with its SHA-256 checked.

    remedy: the end of the error about a bad file: what the user can do.
    Raises UserError if the file is missing, truncated or altered.
    """
    path = folder / file.name
    if not path.is_file():
        path = folder / f"{file.name}.gz"
    try:
        # One byte too many is enough to notice a file of any larger size.
        with _open(path) as stream:
            content = stream.read(file.size + 1)
    except FileNotFoundError:
        raise UserError(
            f"MNIST's {file.name} (or {file.name}.gz) is not in {shown(folder)}: put it there."
        ) from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise UserError(f"{shown(path)} is damaged or truncated: {remedy}.") from None
    except OSError as error:
        raise UserError(f"{shown(path)} cannot be read: {error.strerror or error}.") from None
    if len(content) < file.size:
        raise UserError(
            f"{shown(path)} is truncated: it has {len(content):,} bytes instead of {file.size:,}; {remedy}."
        )
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise UserError(f"{shown(path)} is not the original MNIST file (its SHA-256 differs): {remedy}.")
    return content


def _open(path: Path) -> gzip.GzipFile | io.BufferedReader:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")
