"""What the tests of training share."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from data import mnist
from data.examples import Dataset

if find_spec("torch"):
    import torch

    # The networks are small: more threads only wait for each other, most of all beside other processes.
    torch.set_num_threads(1)


@pytest.fixture
def small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """4,000 of MNIST's test images instead of MNIST: 3,150 to train on, 350 held out, 500 to test."""
    pytest.importorskip("torch")
    from training.images import choice, training_set

    digits = mnist.load_test_set()
    whole = training_set.load

    def load(source: str, *options: Any) -> Dataset:
        if source != "mnist":
            return whole(source, *options)
        checksums = mnist.published().checksums
        return Dataset("mnist", mnist.INTERFACE, digits[:3_500], digits[3_500:4_000], checksums)

    monkeypatch.setattr(choice, "load", load)


@pytest.fixture
def no_models_left() -> Iterator[None]:
    """Removes the models that a test adds."""
    from training.models import Network

    before = dict(Network.known)
    yield
    Network.known.clear()
    Network.known.update(before)
