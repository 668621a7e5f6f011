"""Which fully connected layers linear_paired takes, and how it packs their weights."""

import numpy as np
import pytest

from compiler import kernels, lower
from compiler.kernels import linear_paired
from compiler.network import Linear, Tensor


@pytest.mark.parametrize(("outputs", "inputs", "shift"), [(9, 784, 0), (10, 783, 0), (10, 784, 1)])
def test_other_linear_layers_are_left_to_the_reference_kernel(outputs: int, inputs: int, shift: int) -> None:
    linear = Linear(
        np.zeros((outputs, inputs), np.int8), np.zeros(outputs, np.int32), None, input_shift=shift
    )
    source = Tensor((inputs,), 0, 255)
    step = lower.Step(0, linear, source, linear.output(source))
    assert [kernel.name for kernel in kernels.candidates(step)] == ["linear"]


def test_weights_of_four_outputs_share_words_and_the_last_two_theirs() -> None:
    weights = np.arange(-128, -116, dtype=np.int8).reshape(6, 2)
    words = [f"{word:08x}" for word in linear_paired.pack(weights)]
    assert words == ["06040200", "07050301", "0b0a0908"]
