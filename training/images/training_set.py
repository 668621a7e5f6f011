"""MNIST's 60,000 training images, through torchvision.

They come from the folder that MNIST_DIR names, else from the cache, else from torchvision's download. The
cache holds them uncompressed, as torchvision expects. Every use checks the files in it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.files import write_atomically
from common.paths import DATA, shown
from data import mnist
from data.examples import Examples
from data.mnist import TEST_IMAGES, TEST_LABELS, TRAINING_IMAGES, TRAINING_LABELS
from training.images.vision import torchvision
from training.settings import HELD_OUT, MOST_IMAGES

_SERVER_TIMEOUT = 30.0  # seconds of silence; torchvision itself has no limit


def load_training_set() -> Examples:
    """MNIST's training images.

    Raises UserError if a file is missing, truncated or altered, or if the download fails.
    """
    root = cache_folder()
    raw = root / "MNIST" / "raw"
    given = os.environ.get("MNIST_DIR")
    if given:
        if not Path(given).is_dir():
            raise UserError(f"MNIST_DIR is {given}, which is not a folder: correct it or unset it.")
        for file in (TRAINING_IMAGES, TRAINING_LABELS):
            _copy(file, Path(given), raw)
    if not is_available():
        _download(root)
    for file in (TRAINING_IMAGES, TRAINING_LABELS):
        mnist.read(raw, file, remedy="delete it, and the next run downloads it again")
    for file in (TEST_IMAGES, TEST_LABELS):  # torchvision expects all four files, whichever it reads
        _copy(file, DATA, raw)
    dataset = torchvision.datasets.MNIST(root, train=True)
    return Examples(dataset.data.numpy()[:, None], dataset.targets.numpy().astype("uint8"))


def split(examples: Examples, limit: int | None = None) -> tuple[Examples, Examples]:
    """Training images and held-out images, the same in every run. limit: keep this many training images."""
    order = np.random.default_rng(0).permutation(len(examples))
    held_out, training = order[:HELD_OUT], order[HELD_OUT:][:limit]
    return examples[training], examples[held_out]


def check_limit(limit: int | None) -> None:
    """Raise UserError if training cannot be limited to this number of images."""
    if limit is not None and not 1 <= limit <= MOST_IMAGES:
        raise UserError(f"Training can be limited to 1 to {MOST_IMAGES:,} images, not {limit:,}.")


def is_available() -> bool:
    """Whether MNIST_DIR or the cache has the training images, so that no download is needed."""
    raw = cache_folder() / "MNIST" / "raw"
    cached = all((raw / file.name).is_file() for file in (TRAINING_IMAGES, TRAINING_LABELS))
    return cached or bool(os.environ.get("MNIST_DIR"))


def cache_folder() -> Path:
    """The folder of the uncompressed files: in XDG_CACHE_HOME, or else in ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "bluepill-mnist"


def _copy(file: mnist.IdxFile, source: Path, target: Path) -> None:
    """Copy one file, checked and uncompressed, unless the target already has it."""
    content = mnist.read(source, file)
    copy = target / file.name
    try:
        if copy.read_bytes() == content:
            return
    except OSError:
        pass
    write_atomically(copy, content)


def _download(root: Path) -> None:
    try:
        with _socket_timeout(_SERVER_TIMEOUT):
            torchvision.datasets.MNIST(root, download=True)
    except (RuntimeError, OSError):
        raise UserError(
            f"MNIST's training images are not in {shown(root)} and cannot be downloaded: "
            "check the network, or set MNIST_DIR to a folder with MNIST's four files."
        ) from None


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
