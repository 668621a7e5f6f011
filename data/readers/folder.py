"""A folder of pictures with one subfolder for each class."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.limits import check_class_names, check_shape
from common.paths import shown
from data.examples import Dataset, Examples, Interface, Shape
from data.split import TEST_SHARE, split
from pictures import PictureError, Preparation, prepare, read

SUFFIXES = (".png", ".jpg", ".jpeg")
SHAPE = (1, 28, 28)  # unless the model or the user chooses another
FEWEST = 3  # pictures of a class: one to train on, one held out, one to test


def is_picture_folder(folder: Path) -> bool:
    """Whether a folder has subfolders."""
    return bool(_subfolders(folder))


def load(folder: Path, seed: int, preparation: Preparation, shape: Shape = SHAPE) -> Dataset:
    """The pictures of a folder, as images of this shape.

    The subfolders, in alphabetical order, are the classes and give them their names. Pictures are PNG and
    JPEG files of any size and colour; other files are ignored. A fifth of each class, chosen by the seed, is
    the test part. The checksum covers the names and contents of all pictures.
    Raises UserError if there are too few pictures, if one cannot be read, or if a limit is exceeded.
    """
    check_shape(shape)
    classes = _subfolders(folder)
    names = tuple(path.name for path in classes)
    check_class_names(names)
    interface = Interface(shape, names, preparation)
    images, labels, digest = [], [], hashlib.sha256()
    for label, path in enumerate(classes):
        pictures = _pictures(path)
        if not pictures:
            raise UserError(
                f"{shown(path)} has no pictures: put PNG or JPEG files into it, or remove the folder."
            )
        if len(pictures) < FEWEST:
            raise UserError(
                f"{shown(path)} has {len(pictures)} picture{'s' * (len(pictures) > 1)}, and a class needs at "
                f"least {FEWEST}: one to train on, one held out, one to test."
            )
        for picture in pictures:
            images.append(_image(picture, preparation, shape))
            labels.append(label)
            content = hashlib.sha256(picture.read_bytes()).hexdigest()
            digest.update(f"{picture.relative_to(folder).as_posix()} {content}\n".encode())
    examples = Examples(np.stack(images), np.array(labels, np.uint8))
    train, test = split(examples, TEST_SHARE, seed)
    return Dataset(shown(folder), interface, train, test, {"pictures": digest.hexdigest()}, seed)


def _image(path: Path, preparation: Preparation, shape: Shape) -> np.ndarray:
    try:
        return prepare(read(path), preparation, shape)
    except PictureError as error:
        raise PictureError(f"{shown(path)}: {error}") from None


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _pictures(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )
