"""Which fully connected layers linear_paired takes, and how it packs their weights."""

import numpy as np
import pytest

from compiler import kernels, lower
from compiler.kernels import linear_paired
from compiler.network import Linear, Tensor


@pytest.mark.parametrize(
    ("outputs", "inputs", "shift", "found"),
    [(9, 784, 0, True), (10, 783, 0, True), (1, 1, 0, True), (10, 784, 1, False)],
)
def test_it_takes_any_sizes_but_only_whole_inputs(outputs: int, inputs: int, shift: int, found: bool) -> None:
    linear = Linear(
        np.zeros((outputs, inputs), np.int8), np.zeros(outputs, np.int32), None, input_shift=shift
    )
    source = Tensor((inputs,), 0, 255)
    step = lower.Step(0, linear, source, linear.output(source))
    assert ("linear_paired" in [kernel.name for kernel in kernels.candidates(step)]) is found


def test_weights_of_four_outputs_share_words_and_the_last_two_theirs() -> None:
    weights = np.arange(-128, -116, dtype=np.int8).reshape(6, 2)
    words = [f"{word:08x}" for word in linear_paired.pack(weights)]
    assert words == ["06040200", "07050301", "0b0a0908"]


def test_missing_outputs_and_inputs_have_weights_of_zero() -> None:
    three = linear_paired.pack(np.array([[1], [2], [3]], np.int8))
    assert [f"{word:08x}" for word in three] == ["80838281"]
    one = linear_paired.pack(np.array([[1, 2, 3]], np.int8))
    assert [f"{word:08x}" for word in one] == ["80808281", "80808083"]
