"""MNIST, by Y. LeCun, C. Cortes and C. Burges. Its test part is committed with the project."""

from __future__ import annotations

from pathlib import Path

from common.paths import DATA
from data.examples import Examples, Interface
from data.readers.published import IdxFile, Published
from pictures.preparation import Preparation

ROWS = COLS = 28
CLASSES = 10

TRAINING_COUNT = 60_000
TEST_COUNT = 10_000

IMAGE_HEADER = 16  # bytes
LABEL_HEADER = 8  # bytes

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

INTERFACE = Interface((1, ROWS, COLS), tuple(map(str, range(CLASSES))), Preparation("mnist"))


def published(test_part: Path = DATA) -> Published:
    """MNIST, with its test part in this folder."""
    return Published(
        source="mnist",
        title="MNIST",
        variable="MNIST_DIR",
        interface=INTERFACE,
        train_images=TRAINING_IMAGES,
        train_labels=TRAINING_LABELS,
        test_images=TEST_IMAGES,
        test_labels=TEST_LABELS,
        committed=test_part,
    )


def load_test_set(folder: Path = DATA) -> Examples:
    """The 10,000 test images, from the files committed with the project.

    Raises UserError if a file is missing, truncated or altered.
    """
    return published(folder).load_test()
