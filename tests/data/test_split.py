"""The split of examples: shares of each class, and MNIST's held-out images."""

from __future__ import annotations

import numpy as np
import pytest

from data.examples import Examples
from data.split import hold_out, split


def numbered(count: int, classes: int = 10) -> Examples:
    """Examples whose images are their numbers."""
    return Examples(np.arange(count), np.arange(count) % classes)


def test_held_out_images_are_never_trained_on() -> None:
    training, held_out = hold_out(numbered(60_000))
    assert len(held_out) == 5_000
    assert sorted([*training.images, *held_out.images]) == list(range(60_000))


def test_the_held_out_images_are_those_of_the_committed_models() -> None:
    training, held_out = hold_out(numbered(60_000))
    assert held_out.images[:3].tolist() == [4013, 23840, 29603]
    assert training.images[:3].tolist() == [12257, 36706, 6949]


def test_images_are_held_out_at_random_from_50_000_on() -> None:
    order = np.random.default_rng(0).permutation(50_000)
    assert hold_out(numbered(50_000))[1].images.tolist() == order[:5_000].tolist()


@pytest.mark.parametrize(("count", "held_out"), [(50_000, 5_000), (49_990, 5_000), (1_000, 100), (20, 10)])
def test_a_tenth_of_a_small_set_is_held_out(count: int, held_out: int) -> None:
    parts = hold_out(numbered(count))
    assert [len(part) for part in parts] == [count - held_out, held_out]
    if count < 50_000:
        assert set(np.bincount(parts[1].labels).tolist()) == {held_out // 10}


def test_each_class_gives_its_share_and_at_least_one() -> None:
    labels = np.array([0] * 50 + [1] * 2)
    rest, taken = split(Examples(np.arange(52), labels), 0.2)
    assert np.bincount(taken.labels).tolist() == [10, 1]
    assert sorted([*rest.images, *taken.images]) == list(range(52))


def test_the_seed_decides() -> None:
    first, same, other = (split(numbered(100), 0.2, seed)[1].images.tolist() for seed in (3, 3, 4))
    assert first == same != other
