"""What the tests of training share."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from data import mnist

if find_spec("torch"):
    import torch

    # The networks are small: more threads only wait for each other, most of all beside other processes.
    torch.set_num_threads(1)


@pytest.fixture
def small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """3,500 of the committed test images instead of the training images, 500 held out and 500 to test."""
    pytest.importorskip("torch")
    from training import train
    from training.images import training_set

    digits = mnist.load_test_set()
    monkeypatch.setattr(training_set, "HELD_OUT", 500)
    monkeypatch.setattr(train, "load_training_set", lambda: digits[:3_500])
    monkeypatch.setattr(mnist, "load_test_set", lambda: digits[3_500:4_000])


@pytest.fixture
def no_models_left() -> Iterator[None]:
    """Removes the models that a test adds."""
    from training.models import Network

    before = dict(Network.known)
    yield
    Network.known.clear()
    Network.known.update(before)
