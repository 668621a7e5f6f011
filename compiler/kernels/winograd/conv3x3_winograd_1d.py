"""Winograd's transform along rows: firmware/network/fast/winograd/conv3x3_winograd_1d.h.

Two outputs share a word, 16 bits apart. For each row of the kernel,
three columns take five products, not nine.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from compiler.kernels import conv3x3_lanes
from compiler.kernels.kernel import Cost, DoesNotApply, Kernel, fast_kernel
from compiler.kernels.winograd import pairs
from compiler.lower import Step
from compiler.network import Conv2d

LOST_BITS = 1

_CODE_BYTES, _CODE_BYTES_OF_A_LAST_PAIR = 3_200, 1_700


@fast_kernel(Conv2d)
def conv3x3_winograd_1d(step: Step) -> Iterator[Kernel]:
    """pairs.require(), sums of 16 bits and half of them of 15; at least two columns."""
    layer = step.layer
    assert isinstance(layer, Conv2d)
    outputs, rows, columns = step.target.shape
    pool = step.pool.size if step.pool else 1
    columns *= pool
    if columns < 2:
        raise DoesNotApply("its output has one column, not two or more")
    paired = pairs.require(step, LOST_BITS)
    channels = step.source.shape[0]
    twos = {0: 0, 1: 2, 2: 1}[columns % 3]
    threes = (columns - 2 * twos) // 3
    terms = 5 if threes else 4
    constants = {
        "weights": conv3x3_lanes.pack(
            pairs.grouped_weights(layer, paired).reshape(len(layer.bias), -1), pairs.WEIGHT_BITS
        ),
        "bias": biases(layer, paired),
        **pairs.shared_constants(step, paired, width=columns + 2),
    }
    for strip in pairs.strips(rows):
        positions = -(-strip * pool // 2) * 2
        scratch_words = (
            _words(columns + 2)
            + (threes + twos) * channels * terms * (positions + 2) // 2
            + 5 * 2 * (positions + 1)
            + 2 * positions * columns
            + terms * pairs.grouped(channels) * 3 * 2
        )
        yield pairs.kernel(
            step,
            "conv3x3_winograd_1d",
            strip,
            constants,
            cost=_cost(step, strip, threes, twos),
            scratch_words=scratch_words,
            code_bytes=_CODE_BYTES + (_CODE_BYTES_OF_A_LAST_PAIR if outputs % 4 else 0),
        )


def _cost(step: Step, strip: int, threes: int, twos: int) -> Cost:
    """The cost of a step that is computed in strips of this number of rows, with these tiles in each row."""
    outputs, _, columns = step.target.shape
    channels = step.source.shape[0]
    pool = step.pool.size if step.pool else 1
    inputs: dict[str, float] = {
        "input row": channels,
        "input of three columns": channels * threes,
        "input of two columns": channels * twos,
        "copied row": channels if step.layer.padding else 0,
        "copied byte": channels * columns if step.layer.padding else 0,
    }
    per_position = {
        **inputs,
        "tile": outputs // 2 * (threes + twos),
        "pooled output" if step.pool else "output": outputs // 2 * columns / pool,
    }
    per_strip = {
        "call": 1,
        "kernel": outputs // 2 * pairs.grouped(channels) * (5 if threes else 4),
        **{name: 2 * count for name, count in inputs.items()},  # the rows of the kernel below the first
    }
    cost = pairs.cost("conv3x3_winograd_1d", step, strip, per_strip, per_position, pool)
    per_call, per_row = dict(cost.per_call), dict(cost.per_row)
    terms = 5 * threes + 4 * twos
    one, whole = _products(terms, channels, outputs, pool), _products(terms, channels, outputs, strip * pool)
    for name in whole.keys() | one.keys():
        first, all_rows = one.get(name, 0), whole.get(name, 0)
        if strip >= step.target.shape[1] and strip > 1:
            per_row[name] = (all_rows - first) / (strip - 1)
        else:
            per_row[name] = all_rows / strip
        per_call[name] = first - per_row[name]
    return Cost(cost.kernel, per_call, per_row)


def _products(terms: int, channels: int, outputs: int, positions: int) -> dict[str, float]:
    """The work of lane_products() at this number of positions, two or three of them at a time."""
    found: dict[str, float] = {"term": 0}
    for pair_count in pairs.pair_counts(outputs):
        for block in pairs.blocks(max(positions, 2)):
            name = f"channel of {block} positions and {pair_count} pairs"
            found[name] = found.get(name, 0) + channels * terms
            found["term"] += terms
    return found


def biases(layer: Conv2d, paired: pairs.Pairs) -> np.ndarray:
    """One word for each pair, uint32: twice the bias."""
    bias = layer.bias.astype(np.int64) - paired.centre
    distance = pairs.HIGH_BIT - LOST_BITS
    return pairs.words(2 * (bias[paired.low] + (bias[paired.high] << distance)))


def _words(size: int) -> int:
    return -(-size // 4)
