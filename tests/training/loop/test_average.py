"""The running average of the weights."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

import torch
from torch import nn

from training.loop.average import Average

pytestmark = pytest.mark.train


def constant(network: nn.Linear, value: float) -> nn.Linear:
    nn.init.constant_(network.weight, value)
    return network


def test_the_average_follows_slowly_and_forgets_the_start() -> None:
    network = constant(nn.Linear(1, 1), 1.0)
    average = Average(network, 0.9)
    average.update(constant(network, 5.0), 0)
    assert average.network.weight.item() == 5
    average.update(constant(network, 7.0), 10)
    assert average.network.weight.item() == 6
    average.update(constant(network, 8.0), 10_000)
    assert average.network.weight.item() == pytest.approx(6.2)


def test_statistics_are_averaged_and_counts_are_copied() -> None:
    network = nn.BatchNorm1d(3)
    average = Average(network, 0.9)
    assert network.running_mean is not None and network.num_batches_tracked is not None
    network.running_mean += 10
    network.num_batches_tracked += 7
    average.update(network, 10_000)
    assert average.network.running_mean is not None and average.network.num_batches_tracked is not None
    assert average.network.running_mean.tolist() == pytest.approx([1] * 3)
    assert average.network.num_batches_tracked == 7


def test_the_average_is_another_network_in_eval_mode() -> None:
    network = nn.Linear(2, 2)
    average = Average(network, 0.9)
    assert not average.network.training and network.training
    constant(network, 5.0)
    assert not torch.equal(average.network.weight, network.weight)


def test_a_decay_of_zero_is_the_network_itself() -> None:
    network = nn.Linear(2, 2)
    average = Average(network, 0.0)
    average.update(constant(network, 5.0), 99)
    assert torch.equal(average.network.weight, network.weight)
