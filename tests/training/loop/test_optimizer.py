"""The optimizer's parameter groups and the learning rate."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

from torch import nn

from training.loop.optimizer import adamw, learning_rate, set_learning_rate

pytestmark = pytest.mark.train


def test_only_weights_decay() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(4, 3))
    decaying, others = adamw(network, 0.25).param_groups
    assert decaying["weight_decay"] == 0.25 and others["weight_decay"] == 0
    assert [p.shape for p in decaying["params"]] == [(2, 1, 3, 3), (3, 4)]
    assert [p.shape for p in others["params"]] == [(2,), (2,), (2,), (3,)]


def test_the_learning_rate_is_set_in_all_groups() -> None:
    optimizer = adamw(nn.Linear(1, 1), 0.0)
    set_learning_rate(optimizer, 0.5)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("step", "warmup_steps", "expected"),
    [
        (0, 0, 8.0),
        (50, 0, 4.0),
        (25, 0, 4 + 4 * 0.5**0.5),
        (99, 0, 0.001974),
        (0, 3, 2.0),
        (50, 99, 4 * 0.51),
        (50, 50, 4.0),
    ],
)
def test_the_learning_rate_of_a_step(step: int, warmup_steps: int, expected: float) -> None:
    assert learning_rate(step, 100, 8.0, warmup_steps) == pytest.approx(expected, rel=1e-3)
