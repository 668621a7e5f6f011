"""Published data sets: four IDX files, as their authors made them, with known checksums."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.paths import shown
from data.examples import Dataset, Examples, Interface
from data.readers import idx

_REPLACE = "replace it with a good copy"


@dataclass(frozen=True)
class IdxFile:
    """One of the four files, uncompressed: its name, size in bytes and SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Published:
    """A published data set.

    source: its name as a source. title: its name for people, and that of torchvision's class.
    variable: the environment variable that names a folder with the files.
    committed: the folder with the test part, if the project has it. installed: where packages put the files.
    """

    source: str
    title: str
    variable: str
    interface: Interface
    train_images: IdxFile
    train_labels: IdxFile
    test_images: IdxFile
    test_labels: IdxFile
    committed: Path | None = None
    installed: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[IdxFile, ...]:
        """All four files."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels

    @property
    def checksums(self) -> dict[str, str]:
        """The SHA-256 of each file, by its name."""
        return {file.name: file.sha256 for file in self.files}

    @property
    def cache(self) -> Path:
        """The folder where torchvision's download puts the files."""
        return cache_folder() / self.title.replace("-", "") / "raw"

    def load(self, seed: int) -> Dataset:
        """The whole data set. Raises UserError if a file is missing, truncated or altered."""
        train = self._examples(self.train_images, self.train_labels)
        return Dataset(self.source, self.interface, train, self.load_test(), self.checksums, seed)

    def load_test(self) -> Examples:
        """The test part. Raises UserError like load()."""
        return self._examples(self.test_images, self.test_labels)

    def is_complete(self) -> bool:
        """Whether no download is needed: all files are on this machine, or the user has named a folder."""
        return bool(os.environ.get(self.variable)) or all(self._found(file) for file in self.files)

    def _examples(self, images: IdxFile, labels: IdxFile) -> Examples:
        pixels, numbers = self._array(images), self._array(labels)
        return Examples(pixels[:, np.newaxis], numbers)

    def _array(self, file: IdxFile) -> np.ndarray:
        folder = self._folder(file)
        remedy = "delete it, and the next run downloads it again" if folder == self.cache else _REPLACE
        return idx.parse(read(folder, file, self.title, remedy), folder / file.name)

    def _folder(self, file: IdxFile) -> Path:
        """The folder to read a file from. Raises UserError."""
        if self.committed and file in (self.test_images, self.test_labels):
            return self.committed
        if given := os.environ.get(self.variable):
            if not Path(given).is_dir():
                raise UserError(f"{self.variable} is {given}, which is not a folder: correct it or unset it.")
            return Path(given)
        if found := self._found(file):
            return found
        raise UserError(
            f"{self.title}'s {file.name} is not on this machine: set {self.variable} to a folder with its "
            "four files, or train once with a network connection, which downloads them."
        )

    def _found(self, file: IdxFile) -> Path | None:
        """The folder that has a file, of those that the user need not name."""
        committed = [self.committed] if self.committed else []
        folders = [*committed, *self.installed, self.cache]
        return next((folder for folder in folders if has(folder, file)), None)


def has(folder: Path, file: IdxFile) -> bool:
    """Whether a folder has a file, compressed or not."""
    return any((folder / name).is_file() for name in (file.name, f"{file.name}.gz"))


def read(folder: Path, file: IdxFile, title: str, remedy: str = _REPLACE) -> bytes:
    """The uncompressed content of NAME or NAME.gz in a folder, with its SHA-256 checked.

    remedy: the end of the error about a bad file: what the user can do.
    Raises UserError if the file is missing, truncated or altered.
    """
    path = folder / file.name
    if not path.is_file():
        path = folder / f"{file.name}.gz"
    if not path.exists():
        raise UserError(f"{title}'s {file.name} (or {file.name}.gz) is not in {shown(folder)}: put it there.")
    content = idx.read_bytes(path, file.size, remedy)
    if len(content) < file.size:
        raise UserError(
            f"{shown(path)} is truncated: it has {len(content):,} bytes instead of {file.size:,}; {remedy}."
        )
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise UserError(f"{shown(path)} is not the original {title} file (its SHA-256 differs): {remedy}.")
    return content


def cache_folder() -> Path:
    """The folder of downloaded data sets: in XDG_CACHE_HOME, or else in ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "bluepill-mnist"
