"""The sources of data sets, by their names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from common.errors import UserError
from common.paths import shown
from data import mnist
from data.examples import Dataset, Examples, Shape
from data.fashion_mnist import FASHION_MNIST
from data.readers import folder, idx_folder, sklearn_digits
from data.readers.published import Published
from data.split import SEED
from pictures.preparation import Preparation

TORCHVISION = "torchvision:"  # the prefix of the sources that only training/ reads, because they need torch


def published(source: str) -> Published | None:
    """The published set of that name, if it is one."""
    return {"mnist": mnist.published(), FASHION_MNIST.source: FASHION_MNIST}.get(source)


def load(
    source: str, preparation: Preparation | None = None, shape: Shape | None = None, seed: int = SEED
) -> Dataset:
    """The data set of a source: mnist, fashion-mnist, sklearn:digits, or a folder.

    A folder has four IDX files, or pictures in one subfolder for each class.
    preparation: how pictures become images, instead of the source's own way.
    shape: of the images; only a folder of pictures can have another than its own.
    seed: of the test part where the source has none, and of the held-out images.
    Raises UserError if there is no such source or if its data are not usable.
    """
    if found := published(source):
        dataset = found.load(seed)
    elif source == sklearn_digits.SOURCE:
        dataset = sklearn_digits.load(seed)
    else:
        dataset = _load_folder(source, preparation, shape, seed)
    return adapted(dataset, preparation, shape)


def load_test(source: str) -> Examples:
    """The test part of a source. Raises UserError like load()."""
    found = published(source)
    return found.load_test() if found else load(source).test


def adapted(dataset: Dataset, preparation: Preparation | None, shape: Shape | None) -> Dataset:
    """The data set with that preparation. Raises UserError if it has not that shape."""
    own = dataset.interface
    if shape and shape != own.shape:
        sizes = [" x ".join(map(str, each)) for each in (own.shape, shape)]
        raise UserError(
            f"The images of {dataset.source} are {sizes[0]}, not {sizes[1]}: only a folder of pictures can "
            "have another shape."
        )
    if preparation is None or preparation == own.preparation:
        return dataset
    return replace(dataset, interface=replace(own, preparation=preparation))


def _load_folder(source: str, preparation: Preparation | None, shape: Shape | None, seed: int) -> Dataset:
    path = Path(source)
    if not source or not path.is_dir():
        if source.startswith(TORCHVISION):
            raise UserError(f"{source} can only be read by tasks that use torch, such as `train`.")
        raise UserError(
            f"There are no data {source!r}: name a folder, or mnist, fashion-mnist, sklearn:digits, "
            "torchvision:KMNIST, torchvision:EMNIST, torchvision:QMNIST or torchvision:CIFAR10."
        )
    try:
        if idx_folder.is_idx_folder(path):
            return idx_folder.load(path, seed)
        if folder.is_picture_folder(path):
            return folder.load(path, seed, preparation or Preparation("fit"), shape or folder.SHAPE)
    except OSError as error:
        raise UserError(f"{shown(path)} cannot be read: {error.strerror or error}.") from None
    raise UserError(
        f"{shown(path)} has nothing that can be read: put four IDX files into it, or pictures (PNG, JPEG) in "
        "one subfolder for each class."
    )
