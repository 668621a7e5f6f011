"""A folder with four IDX files: images and labels to train on, images and labels to test."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from common.errors import UserError
from common.limits import check_shape
from common.paths import shown
from data.examples import Dataset, Examples, Interface
from data.readers import idx
from pictures.preparation import Preparation

NAMES = "classes.txt"  # optional: the name of each class, one a line

_PARTS = {"train": ("train",), "test": ("t10k", "test")}
_CONTENTS = ("images", "labels")
_NAMING = (
    "name the files like MNIST's: train-images-idx3-ubyte, train-labels-idx1-ubyte, "
    "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, with or without .gz"
)


def is_idx_folder(folder: Path) -> bool:
    """Whether a folder has at least one of the four files."""
    return any(_candidates(folder, part, content) for part in _PARTS for content in _CONTENTS)


def load(folder: Path, seed: int) -> Dataset:
    """The data set in a folder. The images are used as they are.

    Images have the sizes (N, rows, columns) for grey, or (N, channels, rows, columns); labels (N,). Classes
    have the names in classes.txt, or else their numbers.
    Raises UserError if a file is missing or damaged, if sizes do not fit, or if a limit is exceeded.
    """
    checksums: dict[str, str] = {}
    train, test = (_examples(folder, part, checksums) for part in _PARTS)
    names = _class_names(folder, int(max(train.labels.max(), test.labels.max())) + 1)
    interface = Interface(train.shape, names, Preparation("fit"))
    return Dataset(shown(folder), interface, train, test, checksums, seed)


def _examples(folder: Path, part: str, checksums: dict[str, str]) -> Examples:
    """One part of the data set. Enters the SHA-256 of its files, uncompressed, into `checksums`."""
    arrays = []
    for content in _CONTENTS:
        path = _file(folder, part, content)
        array, checksums[path.name.removesuffix(".gz")] = idx.read(path)
        arrays.append((array, path))
    (images, images_path), (labels, labels_path) = arrays
    if images.ndim not in (3, 4) or labels.ndim != 1:
        raise UserError(
            f"{shown(images_path)} has {images.ndim} dimensions and {shown(labels_path)} {labels.ndim}: "
            "images have 3 (or 4 with channels), labels 1."
        )
    if len(images) != len(labels):
        raise UserError(
            f"{shown(images_path)} has {len(images):,} images, but {shown(labels_path)} has {len(labels):,} "
            "labels: the two files do not belong together."
        )
    if not len(labels):
        raise UserError(f"{shown(images_path)} has no images: replace it with a good copy.")
    planar = images if images.ndim == 4 else images[:, np.newaxis]
    check_shape(planar.shape[1:])
    return Examples(planar, labels)


def _file(folder: Path, part: str, content: str) -> Path:
    """The file with that content. Raises UserError if there is none, or more than one."""
    found = _candidates(folder, part, content)
    if not found:
        raise UserError(f"{shown(folder)} has no {part} {content}: {_NAMING}.")
    if len(found) > 1:
        first, second = found[0].name, found[1].name
        raise UserError(f"{shown(folder)} has both {first} and {second}: remove one of them.")
    return found[0]


def _candidates(folder: Path, part: str, content: str) -> list[Path]:
    """The files whose names say this part and content."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file()
        and content in (name := path.name.lower())
        and any(word in name for word in _PARTS[part])
        and ("idx" in name or "ubyte" in name)
    )


def _class_names(folder: Path, classes: int) -> tuple[str, ...]:
    path = folder / NAMES
    if not path.exists():
        return tuple(map(str, range(classes)))
    try:
        return tuple(line.strip() for line in path.read_text("utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError):
        raise UserError(f"{shown(path)} cannot be read: write one name a line, in UTF-8.") from None
