"""Data sets that torchvision downloads and reads: torchvision:KMNIST, EMNIST, QMNIST and CIFAR10."""

from __future__ import annotations

import hashlib
import pickle
import socket
import string
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from common.errors import UserError
from data.examples import Dataset, Examples, Interface
from data.readers.published import cache_folder
from data.sources import TORCHVISION
from pictures.preparation import Preparation
from training.images.vision import torchvision

_DIGITS = tuple(string.digits)
# What torchvision raises for a failed download and for damaged files.
_FAILURES = (RuntimeError, OSError, EOFError, ValueError, TypeError, AssertionError, pickle.UnpicklingError)
_SERVER_TIMEOUT = 30.0  # seconds of silence; torchvision itself has no limit


@dataclass(frozen=True)
class _Set:
    """A data set of torchvision.

    options: arguments of torchvision's class. first_label: the label of the first class.
    transposed: whether its rows are the images' columns.
    """

    class_names: tuple[str, ...]
    preparation: Preparation
    options: Mapping[str, Any] = field(default_factory=dict)
    first_label: int = 0
    transposed: bool = False


_SETS = {
    "KMNIST": _Set(("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"), Preparation("mnist")),
    # Of EMNIST's six splits, the one with 26 classes: capital and small letters together.
    "EMNIST": _Set(
        tuple(string.ascii_lowercase),
        Preparation("mnist"),
        {"split": "letters"},
        first_label=1,
        transposed=True,
    ),
    "QMNIST": _Set(_DIGITS, Preparation("mnist")),
    "CIFAR10": _Set(
        (
            "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
        ),
        Preparation("stretch"),
    ),
}  # fmt: skip


def load(source: str, seed: int) -> Dataset:
    """The data set of torchvision:NAME, downloaded into the cache unless it is there.

    Raises UserError if torchvision has no such set that can be used, or if it cannot be read or downloaded.
    """
    name = source.removeprefix(TORCHVISION)
    if name not in _SETS:
        raise UserError(f"There are no data {source!r}: torchvision's are {', '.join(_SETS)}.")
    chosen = _SETS[name]
    with downloading(
        f"{name} is not in {cache_folder()}, or damaged, and cannot be downloaded: check the network, or put "
        "torchvision's files there."
    ):
        train, test = (_examples(name, chosen, train) for train in (True, False))
    checksums = {
        part: hashlib.sha256(examples.images.tobytes() + examples.labels.tobytes()).hexdigest()
        for part, examples in (("train", train), ("test", test))
    }
    interface = Interface(train.shape, chosen.class_names, chosen.preparation)
    return Dataset(source, interface, train, test, checksums, seed)


def dataset_class(name: str) -> Callable[..., Any]:
    """torchvision's class of a data set."""
    found: Callable[..., Any] = getattr(torchvision.datasets, name)
    return found


@contextmanager
def downloading(problem: str) -> Iterator[None]:
    """Limits the time that a silent server may take. Raises UserError with `problem` if a download fails."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SERVER_TIMEOUT)
    try:
        yield
    except _FAILURES:
        raise UserError(problem) from None
    finally:
        socket.setdefaulttimeout(before)


def _examples(name: str, chosen: _Set, train: bool) -> Examples:
    dataset = dataset_class(name)(cache_folder(), train=train, download=True, **chosen.options)
    images, labels = np.asarray(dataset.data), np.asarray(dataset.targets)
    if images.ndim == 4:  # rows, columns, channels
        planar = images.transpose(0, 3, 1, 2)
    else:
        planar = (images.transpose(0, 2, 1) if chosen.transposed else images)[:, np.newaxis]
    if labels.ndim == 2:  # QMNIST: the class, and where the digit comes from
        labels = labels[:, 0]
    return Examples(np.ascontiguousarray(planar), (labels - chosen.first_label).astype(np.uint8))
