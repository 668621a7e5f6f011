"""The fast kernels: which layers they take, and how those layers' weights lie in flash.

Each one computes the same bits as the specification kernel of its layer. A function registered with `fast`
looks at the step and returns a Kernel, or None where its conditions do not hold. Cycles are those of
`invoke profile`, rounded.
"""

from __future__ import annotations

import math
from functools import singledispatch

import numpy as np

from compiler import kernels
from compiler.kernels import Kernel, Step
from compiler.model_file import Conv2d, Layer, Linear

# firmware/network/conv3x3_lanes.h, each for one pair of outputs.
_CYCLES_A_WINDOW_AND_CHANNEL = 109  # 2x2 positions
_CYCLES_A_WINDOW = 70
_CYCLES_A_ROW_AND_CHANNEL = {3: 85, 5: 135}  # so many positions
_CYCLES_A_ROW = {3: 55, 5: 80}
_CYCLES_A_PAIR_UNPACKED = 6
_CYCLES_A_COPY = 8

# firmware/network/linear_paired.h
_CYCLES_AN_INPUT = 14  # for four outputs
_CYCLES_A_LINEAR_LAYER = 700

_LINEAR_OFFSET = 128
_INPUTS_AT_A_TIME = 16


def choose(step: Step) -> Kernel:
    """The fastest kernel that takes this step."""
    return fast(step.layer, step) or kernels.specification(step)


@singledispatch
def fast(layer: Layer, step: Step) -> Kernel | None:
    """A kernel that is faster than the specification, or None."""
    return None


@fast.register
def _conv2d(layer: Conv2d, step: Step) -> Kernel | None:
    """firmware/network/conv3x3_lanes.h, where two outputs fit one word and the shape is one of its shapes."""
    outputs, rows, columns = step.target.shape
    is_plain = layer.weights.shape[2:] == (3, 3) and (layer.stride, layer.groups) == (1, 1)
    has_its_pooling = (step.pool.size, step.pool.stride) == (2, 2) if step.pool else columns >= 3
    if not (is_plain and has_its_pooling and outputs % 2 == 0):
        return None
    if not layer.fits_lanes(step.source):
        return None

    taps = layer.weights[0].size
    words = pack_lanes(layer.weights, layer.weight_bits)
    unpacked_bytes = 4 * (16 // layer.weight_bits) * (2 * len(words) // outputs)
    channels, *picture = step.source.shape
    is_copied = layer.padding or layer.input_shift
    copied_bytes = channels * math.prod(size + 2 * layer.padding for size in picture) if is_copied else 0
    if step.pool:
        positions = rows * columns * (channels * _CYCLES_A_WINDOW_AND_CHANNEL + _CYCLES_A_WINDOW)
    else:
        width = 5 if columns % 5 == 0 else 3
        of_a_row = channels * _CYCLES_A_ROW_AND_CHANNEL[width] + _CYCLES_A_ROW[width]
        positions = rows * math.ceil(columns / width) * of_a_row
    return kernels.weighted_kernel(
        layer,
        step,
        header="conv3x3_lanes.h",
        function="conv3x3_lanes",
        constants={"weights": words, "bias": _pairs(layer.bias)},
        cycles=outputs // 2 * (positions + taps * _CYCLES_A_PAIR_UNPACKED) + copied_bytes * _CYCLES_A_COPY,
        scratch_bytes=unpacked_bytes + copied_bytes,
    )


@fast.register
def _linear(layer: Linear, step: Step) -> Kernel | None:
    """firmware/network/linear_paired.h: any weights, where its loops come out even."""
    outputs, inputs = layer.weights.shape
    if layer.input_shift or outputs % 2 or inputs % _INPUTS_AT_A_TIME:
        return None
    return kernels.weighted_kernel(
        layer,
        step,
        header="linear_paired.h",
        function="linear_paired" if layer.requantisation else "linear_paired_logits",
        constants={"weights": pack_products(layer.weights), "bias": layer.bias},
        cycles=inputs * outputs * _CYCLES_AN_INPUT // 4 + _CYCLES_A_LINEAR_LAYER,
    )


def pack_lanes(weights: np.ndarray, bits: int) -> np.ndarray:
    """Weights (outputs, ...) as lanes_unpack() takes them: uint32, two outputs' words, then the next two's.

    Each word holds 16 / bits pairs, two outputs' weights at the same place in the kernel, every weight with
    2**(bits - 1) added; the last word of two outputs is filled up with zero weights.
    """
    each = 16 // bits
    offset = 1 << (bits - 1)
    biased = weights.reshape(len(weights), -1).astype(np.int64) + offset
    filled = np.pad(biased, ((0, 0), (0, -biased.shape[1] % each)), constant_values=offset)
    low, high = filled[0::2], filled[1::2]
    fields = (low | high << 16).reshape(len(low), -1, each) << (bits * np.arange(each))
    return fields.sum(axis=2).astype(np.uint32).reshape(-1)


def pack_products(weights: np.ndarray) -> np.ndarray:
    """Weights (outputs, inputs) as linear_paired.h takes them: uint32, four outputs' words, then the next's.

    Byte k of an input's word is output k's weight with 128 added. Where two outputs are left over, a word
    holds two inputs: the weights of the first in its even bytes, of the second in its odd ones.
    """
    biased = weights.astype(np.int64) + _LINEAR_OFFSET
    fours = len(weights) // 4 * 4
    by_input = biased[:fours].reshape(-1, 4, weights.shape[1]).transpose(0, 2, 1)
    by_two_inputs = biased[fours:].reshape(-1, 2, weights.shape[1] // 2, 2).transpose(0, 2, 1, 3)
    bytes_of_words = np.concatenate([by_input.reshape(-1, 4), by_two_inputs.reshape(-1, 4)])
    return (bytes_of_words << (8 * np.arange(4))).sum(axis=1).astype(np.uint32)


def _pairs(bias: np.ndarray) -> np.ndarray:
    """Two outputs' biases in one word: low + high * 65536, modulo 2**32."""
    wide = bias.astype(np.int64)
    return ((wide[0::2] + (wide[1::2] << 16)) & 0xFFFFFFFF).astype(np.uint32)
