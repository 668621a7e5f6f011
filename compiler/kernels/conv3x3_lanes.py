"""The fast kernel of 3x3 convolutions: firmware/network/fast/conv3x3_lanes.h.

Two outputs share the 16-bit lanes of one word, so one multiplication computes two products.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from compiler.kernels import conv2d
from compiler.kernels.kernel import Cost, DoesNotApply, Kernel, fast_kernel, weighted
from compiler.lower import Step
from compiler.network import Conv2d, Tensor, Weighted

# Two accumulators share a word while neither leaves -LANE_MAX to LANE_MAX.
LANE_MAX = 2**15 - 1


@fast_kernel(Conv2d)
def conv3x3_lanes(step: Step) -> Iterator[Kernel]:
    """conv2d.require_3x3(), sums of 16 bits; without pooling at least three columns."""
    layer = step.layer
    assert isinstance(layer, Conv2d)
    outputs, _, columns = step.target.shape
    conv2d.require_3x3(step)
    if not step.pool and columns < 3:
        raise DoesNotApply(f"its output has {columns} columns, not 3 or more")
    if not fits_lanes(layer, step.source):
        low, high = layer.accumulators(step.source)
        count = int(((low < -LANE_MAX) | (high > LANE_MAX)).sum())
        raise DoesNotApply(f"the sums of {count} of {outputs} outputs do not fit 16 bits")

    words = pack(layer.weights, layer.weight_bits)
    unpacked_bytes = 4 * (16 // layer.weight_bits) * (2 * len(words) // outputs)
    channels, *picture = step.source.shape
    is_copied = layer.padding or layer.input_shift
    copied_bytes = channels * math.prod(size + 2 * layer.padding for size in picture) if is_copied else 0
    yield weighted(
        step,
        header="fast/conv3x3_lanes.h",
        function="conv3x3_lanes",
        sizes=conv2d.sizes(step),
        constants={"weights": words, "bias": _pair_biases(layer.bias)},
        cost=_cost(step, layer, len(words)),
        code_bytes=_code_bytes(step),
        scratch_bytes=unpacked_bytes + copied_bytes,
    )


def _width(columns: int) -> int:
    """The positions of a row that are computed together without pooling."""
    return 5 if columns % 5 == 0 else 3


def _code_bytes(step: Step) -> int:
    """The code of the kernel, whose loop takes 4, 2 or 1 channels in each round."""
    channels = step.source.shape[0]
    together = 4 if channels % 4 == 0 else 2 if channels % 2 == 0 else 1
    if step.pool:
        return {1: 860, 2: 970, 4: 1_400}[together]
    if _width(step.target.shape[2]) == 5:
        return {1: 720, 2: 860, 4: 1_730}[together]
    return {1: 640, 2: 860, 4: 1_260}[together]


def _cost(step: Step, layer: Conv2d, words: int) -> Cost:
    """The cost of a step whose weights take this number of words of flash."""
    outputs, _, columns = step.target.shape
    channels, _, input_columns = step.source.shape
    pairs = outputs // 2
    if step.pool:
        shape, positions, width = "2x2 window", pairs * columns, 4
    else:
        width = _width(columns)
        shape, positions = f"row of {width}", pairs * math.ceil(columns / width)
    assert layer.requantisation is not None
    saturates = layer.requantisation.maximum & (layer.requantisation.maximum + 1) == 0  # in one USAT
    requantised = positions * 2 * (1 if step.pool else width)

    input_rows = step.pool.size if step.pool else 1
    copied: dict[str, float] = {}
    if layer.padding:
        kind = "padded and shifted" if layer.input_shift else "padded"
        copied[f"{kind} byte"] = channels * (input_columns + 2 * layer.padding)
    elif layer.input_shift:
        copied["shifted word"] = channels * input_columns / 4
    return Cost(
        "conv3x3_lanes",
        {
            "call": 1,
            "pair": pairs,
            f"word of {layer.weight_bits}-bit weights": words,
            **{name: 2 * count for name, count in copied.items()},  # the kernel's overlap
        },
        {
            shape: positions,
            f"channel of a {shape}": positions * channels,
            "clamped output": 0 if saturates else requantised,
            **{name: input_rows * count for name, count in copied.items()},
        },
    )


def fits_lanes(layer: Weighted, source: Tensor) -> bool:
    """Whether every partial sum fits 16 bits, so that two outputs can share one 32-bit multiplication."""
    low, high = layer.accumulators(source)
    return bool(low.min() >= -LANE_MAX and high.max() <= LANE_MAX)


def pack(weights: np.ndarray, bits: int) -> np.ndarray:
    """Weights for lanes_unpack(), uint32: the words of outputs 0 and 1, then of 2 and 3, ....

    Each word holds 16 / bits pairs: two outputs' weights at the same place in the kernel, each with
    2**(bits - 1) added. Zero weights fill the last word of two outputs.
    """
    each = 16 // bits
    offset = 1 << (bits - 1)
    biased = weights.reshape(len(weights), -1).astype(np.int64) + offset
    filled = np.pad(biased, ((0, 0), (0, -biased.shape[1] % each)), constant_values=offset)
    low, high = filled[0::2], filled[1::2]
    fields = (low | high << 16).reshape(len(low), -1, each) << (bits * np.arange(each))
    return fields.sum(axis=2).astype(np.uint32).reshape(-1)


def _pair_biases(bias: np.ndarray) -> np.ndarray:
    """Two outputs' biases in one word: low + high * 65536, modulo 2**32."""
    wide = bias.astype(np.int64)
    return ((wide[0::2] + (wide[1::2] << 16)) & 0xFFFFFFFF).astype(np.uint32)
