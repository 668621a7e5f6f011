"""Images with labels, and the data set that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from common.errors import UserError
from common.limits import check_class_names, check_shape
from pictures.preparation import Preparation

Shape = tuple[int, int, int]  # channels, rows, columns

_FEWEST = 2  # training images of a class


@dataclass(frozen=True, eq=False)
class Examples:
    """Images uint8 (N, channels, rows, columns), 0 = background, 255 = full ink; labels uint8 (N,)."""

    images: np.ndarray
    labels: np.ndarray

    @property
    def shape(self) -> Shape:
        """Channels, rows and columns of each image."""
        channels, rows, columns = self.images.shape[1:]
        return channels, rows, columns

    def __len__(self) -> int:
        return len(self.labels)

    def require(self, index: int) -> None:
        """Raise UserError if there is no image with that index."""
        if not 0 <= index < len(self):
            raise UserError(f"The test set has no image {index}: choose 0 to {len(self) - 1}.")

    def __getitem__(self, chosen: slice | np.ndarray) -> Examples:
        return Examples(self.images[chosen], self.labels[chosen])


@dataclass(frozen=True)
class Interface:
    """What a network takes and answers: the shape of its images, how pictures become them, its classes.

    Raises UserError if the shape or a class name is not supported.
    """

    shape: Shape
    class_names: tuple[str, ...]
    preparation: Preparation

    def __post_init__(self) -> None:
        check_shape(self.shape)
        check_class_names(self.class_names)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set: what its networks take and answer, its training part and its test part.

    source: the name under which data.sources.load() gives it again.
    checksums: SHA-256, hexadecimal, of each of its files (or arrays, if it is not read from files).
    split_seed: the seed of the images that are held out, and of the test part where the source has none.
    Raises UserError if the parts do not fit the interface.
    """

    source: str
    interface: Interface
    train: Examples
    test: Examples
    checksums: Mapping[str, str]
    split_seed: int = 0

    def __post_init__(self) -> None:
        classes = len(self.interface.class_names)
        for name, part in (("training", self.train), ("test", self.test)):
            if not len(part):
                raise UserError(f"The data {self.source} have no {name} images.")
            if part.shape != self.interface.shape:
                raise UserError(
                    f"The data {self.source} have {name} images of {_size(part.shape)}, "
                    f"not of {_size(self.interface.shape)}."
                )
            if part.labels.max() >= classes:
                raise UserError(
                    f"The data {self.source} have the label {part.labels.max()} among their {name} images, "
                    f"but only {classes} classes: 0 to {classes - 1}."
                )
        counts = np.bincount(self.train.labels, minlength=classes)
        if counts.min() < _FEWEST:
            few = self.interface.class_names[counts.argmin()]
            raise UserError(
                f"Class {few} of {self.source} has {counts.min()} training images, "
                f"and at least {_FEWEST} are needed: one of them is held out."
            )


def _size(shape: Shape) -> str:
    return " x ".join(map(str, shape))
