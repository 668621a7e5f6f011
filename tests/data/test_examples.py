"""Examples and data sets: their parts fit together, or one sentence says what does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from common.errors import UserError
from data.examples import Dataset, Examples, Interface
from pictures.preparation import Preparation


def examples(count: int = 6, shape: tuple[int, ...] = (1, 5, 7), largest_label: int = 2) -> Examples:
    labels = np.arange(count) % (largest_label + 1)
    return Examples(np.zeros((count, *shape), np.uint8), labels.astype(np.uint8))


def dataset(**changes: Any) -> Dataset:
    interface = Interface((1, 5, 7), ("a", "b", "c"), Preparation("fit"))
    parts: dict[str, Any] = {"train": examples(), "test": examples(), "interface": interface}
    return Dataset(source="mine", checksums={}, **(parts | changes))


def test_examples_are_sliced_together() -> None:
    part = examples()[2:4]
    assert len(part) == 2 and part.labels.tolist() == [2, 0] and part.shape == (1, 5, 7)


@pytest.mark.parametrize("index", [-1, 6])
def test_an_index_out_of_range_is_refused(index: int) -> None:
    examples().require(0)
    with pytest.raises(UserError, match=rf"no image {index}: choose 0 to 5\."):
        examples().require(index)


def test_parts_that_fit_make_a_data_set() -> None:
    assert dataset().split_seed == 0


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"train": examples(0)}, "The data mine have no training images."),
        ({"test": examples(shape=(1, 5, 6))}, "have test images of 1 x 5 x 6, not of 1 x 5 x 7."),
        ({"test": examples(largest_label=3)}, "the label 3 among their test images, but only 3 classes"),
    ],
)
def test_parts_that_do_not_fit_are_one_sentence(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        dataset(**changes)


@pytest.mark.parametrize(
    ("shape", "names", "complaint"),
    [((2, 8, 8), ("a", "b"), "have 2 channels"), ((1, 8, 8), ("a",), "There are 1 classes")],
)
def test_limits_are_checked(shape: tuple[int, int, int], names: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(UserError, match=complaint):
        Interface(shape, names, Preparation("fit"))
