"""The fast kernel of fully connected layers: firmware/network/fast/linear_paired.h."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from compiler.kernels import linear
from compiler.kernels.kernel import Cost, Kernel, fast_kernel, weighted
from compiler.lower import Step
from compiler.network import Linear

_OFFSET = 128  # added to each weight: what is multiplied is unsigned
_INPUTS_PER_ROUND = 16  # of its loop


@fast_kernel(Linear)
def linear_paired(step: Step) -> Iterator[Kernel]:
    """Any weights, if the number of outputs is even and that of inputs a multiple of 16."""
    layer = step.layer
    assert isinstance(layer, Linear)
    outputs, inputs = layer.weights.shape
    if layer.input_shift or outputs % 2 or inputs % _INPUTS_PER_ROUND:
        return
    fours, twos = divmod(outputs, 4)
    work = {
        "call": 1,
        "input": inputs,
        "group": fours + (twos > 0),
        "output": outputs,
        "requantised output": outputs if layer.requantisation else 0,
        "input of four outputs": fours * inputs,
        "input of two outputs": twos // 2 * inputs,
    }
    yield weighted(
        step,
        header="fast/linear_paired.h",
        function="linear_paired" if layer.requantisation else "linear_paired_logits",
        sizes=linear.sizes(layer),
        constants={"weights": pack(layer.weights), "bias": layer.bias},
        cost=Cost("linear_paired", work, {}),
    )


def pack(weights: np.ndarray) -> np.ndarray:
    """Weights (outputs, inputs) for linear_paired.h, uint32: the words of outputs 0 to 3, then of 4 to 7, ...

    Byte k of an input's word is output k's weight with 128 added. If two outputs are left over, a word holds
    two inputs: the weights of the first in its even bytes, of the second in its odd ones.
    """
    biased = weights.astype(np.int64) + _OFFSET
    fours = len(weights) // 4 * 4
    by_input = biased[:fours].reshape(-1, 4, weights.shape[1]).transpose(0, 2, 1)
    by_two_inputs = biased[fours:].reshape(-1, 2, weights.shape[1] // 2, 2).transpose(0, 2, 1, 3)
    bytes_of_words = np.concatenate([by_input.reshape(-1, 4), by_two_inputs.reshape(-1, 4)])
    return (bytes_of_words << (8 * np.arange(4))).sum(axis=1).astype(np.uint32)
