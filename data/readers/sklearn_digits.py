"""scikit-learn's 1,797 digits of 8 x 8 pixels: the test part of E. Alpaydin and C. Kaynak's set at UCI."""

from __future__ import annotations

import hashlib

import numpy as np

from common.errors import UserError
from data.examples import Dataset, Examples, Interface
from data.split import TEST_SHARE, split
from pictures.preparation import Preparation

SOURCE = "sklearn:digits"

_FULL_INK = 16  # each pixel counts the inked pixels among 4 x 4

INTERFACE = Interface((1, 8, 8), tuple(map(str, range(10))), Preparation("fit"))


def load(seed: int) -> Dataset:
    """The digits. A fifth of each class, chosen by the seed, is the test part.

    Raises UserError if scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise UserError(f"{SOURCE} needs scikit-learn: type './inv setup --train'.") from None
    digits = load_digits()
    images = np.rint(digits.images * (255 / _FULL_INK)).astype(np.uint8)[:, np.newaxis]
    labels = digits.target.astype(np.uint8)
    checksum = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    train, test = split(Examples(images, labels), TEST_SHARE, seed)
    return Dataset(SOURCE, INTERFACE, train, test, {"digits": checksum}, seed)
