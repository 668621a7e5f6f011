"""The 60,000 training images, through torchvision.

They come from the folder that MNIST_DIR names, else from the cache, else from torchvision's download.
The cache holds them unpacked, as torchvision wants them; what is in it is checked at every use.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.errors import UserError
from common.files import write_atomically
from common.paths import DATA, shown
from data import mnist
from data.mnist import TEST_IMAGES, TEST_LABELS, TRAINING_IMAGES, TRAINING_LABELS, Digits
from training.vision import torchvision

_WAIT_FOR_SERVER = 30.0  # seconds of silence; torchvision itself would wait for ever


def load_training_set() -> Digits:
    """MNIST's 60,000 training images.

    Errors: UserError where a file is missing, truncated or altered, or cannot be downloaded.
    """
    root = cache_folder()
    raw = root / "MNIST" / "raw"
    given = os.environ.get("MNIST_DIR")
    if given:
        if not Path(given).is_dir():
            raise UserError(f"MNIST_DIR is {given}, which is no folder: set it right, or not at all.")
        for file in (TRAINING_IMAGES, TRAINING_LABELS):
            _unpack(file, Path(given), raw)
    if not is_at_hand():
        _download(root)
    for file in (TRAINING_IMAGES, TRAINING_LABELS):
        mnist.read(raw, file, remedy="delete it, and the next run fetches it again")
    for file in (TEST_IMAGES, TEST_LABELS):  # torchvision wants all four, whichever it reads
        _unpack(file, DATA, raw)
    dataset = torchvision.datasets.MNIST(root, train=True)
    return Digits(dataset.data.numpy(), dataset.targets.numpy().astype("uint8"))


def is_at_hand() -> bool:
    """Whether the training images can be had without a download: from MNIST_DIR or from the cache."""
    raw = cache_folder() / "MNIST" / "raw"
    cached = all((raw / file.name).is_file() for file in (TRAINING_IMAGES, TRAINING_LABELS))
    return cached or bool(os.environ.get("MNIST_DIR"))


def cache_folder() -> Path:
    """The folder that keeps the unpacked files between runs: XDG_CACHE_HOME's, else ~/.cache's."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "bluepill-mnist"


def _unpack(file: mnist.IdxFile, source: Path, target: Path) -> None:
    """Copies one checked file into the cache, unless a good copy is there already."""
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
        with _bounded_waits():
            torchvision.datasets.MNIST(root, download=True)
    except (RuntimeError, OSError):
        raise UserError(
            f"MNIST's training images are not in {shown(root)} and cannot be downloaded: "
            "check the network, or set MNIST_DIR to a folder with MNIST's four files."
        ) from None


@contextmanager
def _bounded_waits() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_WAIT_FOR_SERVER)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
