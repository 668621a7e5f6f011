"""Winograd's transform in two dimensions: firmware/network/fast/winograd/conv3x3_winograd_2d.h.

Two outputs share a word, 15 bits apart, and each window of 2x2 positions takes 16 products instead of 36.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from compiler.kernels import conv2d
from compiler.kernels.kernel import Cost, DoesNotApply, Kernel, fast_kernel
from compiler.kernels.winograd import pairs
from compiler.lower import Step
from compiler.network import Conv2d

LOST_BITS = 2
LARGEST_INPUT = 63  # a transformed input with 128 added is a byte
_TERMS = 16
_OFFSET = 128  # added to the transformed inputs of every term but (1, 1)

# Rows: the terms of one dimension, as combinations of the three weights; and of the two sums, of four terms.
_WEIGHTS = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]])
_SUMS = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])

_CODE_BYTES, _CODE_BYTES_OF_A_LAST_PAIR = 3_400, 2_000


@fast_kernel(Conv2d)
def conv3x3_winograd_2d(step: Step) -> Iterator[Kernel]:
    """pairs.require(), inputs of 6 bits, sums of 15 bits."""
    layer = step.layer
    assert isinstance(layer, Conv2d)
    conv2d.require_3x3(step)
    if layer.largest_input(step.source) > LARGEST_INPUT:
        raise DoesNotApply(
            f"its inputs are up to {layer.largest_input(step.source)}, not {LARGEST_INPUT} or less"
        )
    paired = pairs.require(step, LOST_BITS)
    outputs, rows, columns = step.target.shape
    channels = step.source.shape[0]
    pool = step.pool.size if step.pool else 1
    windows = -(-columns * pool // 2)
    constants = {
        "weights": pack(pairs.grouped_weights(layer, paired)),
        "bias": biases(layer, paired),
        **pairs.shared_constants(step, paired, width=2 * windows + 2),
    }
    for strip in pairs.strips(rows):
        window_rows = -(-strip * pool // 2)
        scratch_words = (
            _TERMS * 2 * pairs.grouped(channels)
            + _TERMS * 2 * windows
            + _words(2 * windows + 2)
            + (2 * window_rows + 2) * 4 * _words(windows)
            + _words(window_rows * _TERMS * channels * windows)
        )
        yield pairs.kernel(
            step,
            "conv3x3_winograd_2d",
            strip,
            constants,
            cost=_cost(step, strip),
            scratch_words=scratch_words,
            code_bytes=_CODE_BYTES + (_CODE_BYTES_OF_A_LAST_PAIR if outputs % 4 else 0),
        )


def _cost(step: Step, strip: int) -> Cost:
    """The cost of a step that is computed in strips of this number of rows."""
    outputs, _, columns = step.target.shape
    channels, _, source_columns = step.source.shape
    pool = step.pool.size if step.pool else 1
    windows = -(-columns * pool // 2)
    words = _words(windows)
    is_copied = step.layer.padding or source_columns < 2 * windows + 2
    per_window_row: dict[str, float] = {
        "input row": 2 * channels,
        "word of an input row": 2 * channels * words,
        "copied row": 2 * channels if is_copied else 0,
        "copied byte": 4 * channels * windows if is_copied else 0,
        "transformed column": 4 * channels * words,
        "pooled window" if step.pool else "window": outputs // 2 * windows,
        "row of windows": outputs // 2,
    }
    for block in pairs.blocks(windows):
        for pair_count in pairs.pair_counts(outputs):
            name = f"channel of {block} windows and {pair_count} pairs"
            per_window_row[name] = per_window_row.get(name, 0) + _TERMS * channels
            per_window_row["term"] = per_window_row.get("term", 0) + _TERMS
    per_strip = {
        "call": 1,
        "kernel": outputs // 2 * pairs.grouped(channels),
        # The rows below the last window, and without pooling a window that may be used by half.
        **{
            name: count * (0.5 if step.pool is None else 0)
            + (count if "row" in name and "window" not in name else 0)
            for name, count in per_window_row.items()
        },
    }
    return pairs.cost("conv3x3_winograd_2d", step, strip, per_strip, per_window_row, pool / 2)


def pack(weights: np.ndarray) -> np.ndarray:
    """Weights (outputs, channels, 3, 3) for winograd_2d_weights(), uint32, one pair after the other.

    A word holds four signed weights of 4 bits of each output: of the first from bit 0 on, of the second from
    bit 16 on.
    """
    nibbles = weights.reshape(len(weights), -1).astype(np.int64) & 0xF
    fields = (nibbles[0::2] | nibbles[1::2] << 16).reshape(len(weights) // 2, -1, 4) << (4 * np.arange(4))
    return fields.sum(axis=2).astype(np.uint32).reshape(-1)


def biases(layer: Conv2d, paired: pairs.Pairs) -> np.ndarray:
    """Four words for each pair, uint32: four times the bias, less what the inputs' offset adds to a sum."""
    bias = layer.bias.astype(np.int64) - paired.centre
    distance = pairs.HIGH_BIT - LOST_BITS
    pair_bias = bias[paired.low] + (bias[paired.high] << distance)
    kernels = layer.weights.astype(np.int64).sum(axis=1)
    pair_kernel = kernels[paired.low] + (kernels[paired.high] << distance)
    transformed = np.einsum("ia,pab,jb->pij", _WEIGHTS, pair_kernel, _WEIGHTS)
    offset = np.full((4, 4), _OFFSET)
    offset[1, 1] = 0
    added = np.einsum("ui,pij,vj->puv", _SUMS, transformed * offset, _SUMS)
    return pairs.words(4 * pair_bias[:, None, None] - added).reshape(-1)


def _words(size: int) -> int:
    return -(-size // 4)
