"""The fast kernel of fully connected layers: firmware/network/fast/linear_paired.h."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from compiler.kernels import linear
from compiler.kernels.kernel import Cost, DoesNotApply, Kernel, fast_kernel, weighted
from compiler.lower import Step
from compiler.network import Linear

_OFFSET = 128  # added to each weight: what is multiplied is unsigned
_INPUTS_PER_ROUND = 16  # of its loop


@fast_kernel(Linear)
def linear_paired(step: Step) -> Iterator[Kernel]:
    """Any sizes and weights, if all bits of the inputs count."""
    layer = step.layer
    assert isinstance(layer, Linear)
    if layer.input_shift:
        raise DoesNotApply(f"it drops {layer.input_shift} bits of its inputs")
    outputs, inputs = layer.weights.shape
    fours, twos = divmod(outputs + outputs % 2, 4)
    rest = inputs % _INPUTS_PER_ROUND
    work = {
        "call": 1,
        "input": inputs,
        "group": fours + twos // 2,
        "output": outputs,
        "requantised output": outputs if layer.requantisation else 0,
        "input of four outputs": fours * inputs,
        "input of two outputs": twos // 2 * inputs,
        "input of a group after the last round": (fours + twos // 2) * rest,
    }
    yield weighted(
        step,
        header="fast/linear_paired.h",
        function="linear_paired" if layer.requantisation else "linear_paired_logits",
        sizes=linear.sizes(layer),
        constants={"weights": pack(layer.weights), "bias": layer.bias},
        cost=Cost("linear_paired", work, {}),
        code_bytes=1_190 if rest else 1_050,
    )


def pack(weights: np.ndarray) -> np.ndarray:
    """Weights (outputs, inputs) for linear_paired.h, uint32: the words of outputs 0 to 3, then of 4 to 7, ...

    Byte k of an input's word is output k's weight with 128 added. If one or two outputs are left over, a word
    holds two inputs: the weights of the first in its even bytes, of the second in its odd ones. Outputs and
    inputs that are missing have weights of zero.
    """
    outputs, inputs = weights.shape
    fours = (outputs + outputs % 2) // 4 * 4
    biased = weights.astype(np.int64) + _OFFSET
    biased = np.pad(biased, ((0, outputs % 2), (0, 0)), constant_values=_OFFSET)
    last = np.pad(biased[fours:], ((0, 0), (0, inputs % 2)), constant_values=_OFFSET)
    by_input = biased[:fours].reshape(-1, 4, inputs).transpose(0, 2, 1)
    by_two_inputs = last.reshape(-1, 2, last.shape[1] // 2, 2).transpose(0, 2, 1, 3)
    bytes_of_words = np.concatenate([by_input.reshape(-1, 4), by_two_inputs.reshape(-1, 4)])
    return (bytes_of_words << (8 * np.arange(4))).sum(axis=1).astype(np.uint32)
