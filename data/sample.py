"""The sample beside a model file: a few images of the model's own test part.

models/NAME.test.npz is an uncompressed ZIP archive of images.npy and labels.npy. Suites and measurements take
their images from it, so they need neither torch nor the whole data set.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.files import write_atomically
from common.paths import shown
from data.examples import Examples
from data.split import SEED

COUNT = 200

_SUFFIX = ".test.npz"
_NO_DATE = (1980, 1, 1, 0, 0, 0)  # the same examples give the same bytes on any day


def path_of(model: Path) -> Path:
    """The sample of a model file: models/cnn.npz has models/cnn.test.npz."""
    return model.with_name(model.name.removesuffix(".npz") + _SUFFIX)


def choose(test: Examples, seed: int = SEED) -> Examples:
    """The first 200 of a test part, or all; drawn by the seed if the first ones lack a class."""
    first = test[:COUNT]
    if set(first.labels.tolist()) == set(test.labels.tolist()):
        return first
    return test[np.random.default_rng(seed).permutation(len(test))[:COUNT]]


def write(model: Path, sample: Examples) -> None:
    """Write the sample of a model file. The same examples give the same bytes. Raises UserError."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, array in (("images", sample.images), ("labels", sample.labels)):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), (1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _NO_DATE), member.getvalue())
    write_atomically(path_of(model), content.getvalue())


def read(model: Path) -> Examples:
    """The sample of a model file.

    Raises UserError if it is missing or damaged.
    """
    path = path_of(model)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            sample = Examples(arrays["images"], arrays["labels"])
    except FileNotFoundError:
        raise UserError(
            f"{shown(model)} has no test images beside it: restore {shown(path)} with git, or train again."
        ) from None
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        raise _damaged(path) from None
    images, labels = sample.images, sample.labels
    if images.ndim != 4 or labels.shape != (len(images),) or not len(images):
        raise _damaged(path)
    if images.dtype != np.uint8 or labels.dtype != np.uint8:
        raise _damaged(path)
    return sample


def _damaged(path: Path) -> UserError:
    return UserError(f"{shown(path)} is damaged: restore it with git, or train again.")
