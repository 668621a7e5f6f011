"""Diverged parameters end in one sentence, never in an endless loop."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

import torch
from torch import nn

from training.errors import Diverged
from training.quantise.network import quantised
from training.recipe import Quantisation

pytestmark = pytest.mark.train

_NAN = float("nan")


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Ends an endless loop in Python with an AssertionError."""

    def fail(*_: object) -> None:
        raise AssertionError(f"still running after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("lanes", [True, False])
@pytest.mark.parametrize(
    ("parameter", "value"),
    [("weight", _NAN), ("bias", _NAN), ("log_scale", _NAN), ("log_scale", -1e5), ("log_scale", 1e5)],
)
@pytest.mark.parametrize("use", ["forward", "calibrate"])
def test_diverged_parameters_end_in_one_sentence(lanes: bool, parameter: str, value: float, use: str) -> None:
    layers = [nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3), nn.ReLU(), nn.Flatten()]
    float_network = nn.Sequential(*layers, nn.Linear(2 * 24 * 24, 10))
    images = torch.rand(5, 1, 28, 28)
    network = quantised(float_network, "diverged", Quantisation(lanes=lanes), images)
    with torch.no_grad():
        getattr(network.stages[0], parameter).fill_(value)
    sentence = r"^Training diverged: lower the learning rate in the model's recipe\.$"
    with time_limit(10), pytest.raises(Diverged, match=sentence):
        getattr(network, use)(images)


@pytest.mark.parametrize("value", [_NAN, 1e5, -1e5])
def test_a_diverged_scale_of_activations_ends_in_one_sentence(value: float) -> None:
    layers = [nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 26 * 26, 10)]
    images = torch.rand(5, 1, 28, 28)
    network = quantised(nn.Sequential(*layers), "diverged", Quantisation(), images)
    nn.init.constant_(dict(network.stages[0].named_parameters())["log_output_scale"], value)
    with time_limit(10), pytest.raises(Diverged):
        network(images)
