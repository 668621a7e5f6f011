"""What the Winograd kernels share: pairs of outputs, their constants and their cost.

firmware/network/fast/winograd/winograd.h reads two sums from one word: `low` of 17 - lost_bits bits, and
`high` of 15 bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from compiler.kernels import conv2d
from compiler.kernels.kernel import Cost, DoesNotApply, Kernel, call, struct
from compiler.lower import Step
from compiler.network import Conv2d, Tensor

HIGH_BIT = 17
WEIGHT_BITS = 4
CHANNELS_PER_GROUP = 4  # nine words of flash hold this number of channels of two outputs
MAX_OUTPUTS = 256  # their places are bytes
MAX_CHANNELS = 84  # of whose transformed weights a store reaches all


@dataclass(frozen=True, eq=False)
class Pairs:
    """Outputs in pairs: those in the low lanes and those in the high lanes, by pair; and what is subtracted
    from each output's sums so that they fit their lane, int64 (outputs,)."""

    low: np.ndarray
    high: np.ndarray
    centre: np.ndarray

    @property
    def order(self) -> np.ndarray:
        """The outputs in the order low, high, low, high, ..."""
        return np.stack([self.low, self.high], axis=1).reshape(-1)


def require(step: Step, lost_bits: int) -> Pairs:
    """The pairs of a step's outputs. Raises DoesNotApply unless the Winograd kernels can compute the step."""
    layer = step.layer
    assert isinstance(layer, Conv2d)
    conv2d.require_3x3(step)
    outputs, channels = layer.weights.shape[:2]
    if outputs > MAX_OUTPUTS or channels > MAX_CHANNELS:
        raise DoesNotApply(
            f"it has {channels} channels and {outputs} outputs, not up to {MAX_CHANNELS} and {MAX_OUTPUTS}"
        )
    if layer.weight_bits > WEIGHT_BITS:
        raise DoesNotApply(f"its weights have {layer.weight_bits} bits, not {WEIGHT_BITS} or fewer")
    if layer.input_shift:
        raise DoesNotApply(f"it drops {layer.input_shift} bits of its inputs")
    paired = pair_outputs(layer, step.source, lost_bits)
    if paired is None:
        low, high = sums(layer, step.source)
        wide, narrow = HIGH_BIT - lost_bits, 32 - HIGH_BIT
        too_wide, not_narrow = (int((high - low >= 1 << bits).sum()) for bits in (wide, narrow))
        if too_wide:
            raise DoesNotApply(f"the sums of {too_wide} of {outputs} outputs do not fit {wide} bits")
        raise DoesNotApply(
            f"the sums of {not_narrow} of {outputs} outputs do not fit {narrow} bits, and only half may be so"
        )
    return paired


def pair_outputs(layer: Conv2d, source: Tensor, lost_bits: int) -> Pairs | None:
    """Pairs of outputs whose sums fit the lanes, or None. Each wide output is paired with a narrow one."""
    low, high = sums(layer, source)
    width = high - low
    low_lane, high_lane = lane_widths(lost_bits)
    too_wide, needs_low_lane = width >= low_lane, width >= high_lane
    outputs = np.arange(len(width))
    if too_wide.any() or needs_low_lane.sum() > len(width) // 2:
        return None
    centre = (low + high + 1) // 2
    if not needs_low_lane.any():
        return Pairs(outputs[0::2], outputs[1::2], centre)
    widest_first, half = np.argsort(-width, kind="stable"), len(width) // 2
    return Pairs(widest_first[:half], widest_first[half:], centre)


def lane_widths(lost_bits: int) -> tuple[int, int]:
    """How many different sums a low lane holds, and a high one."""
    return 1 << (HIGH_BIT - lost_bits), 1 << (32 - HIGH_BIT)


def sums(layer: Conv2d, source: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and largest sum of each output, its bias included, int64 (outputs,)."""
    largest = layer.largest_input(source)
    weights = layer.weights.astype(np.int64).reshape(len(layer.bias), -1)
    bias = layer.bias.astype(np.int64)
    return (
        bias + largest * np.minimum(weights, 0).sum(axis=1),
        bias + largest * np.maximum(weights, 0).sum(axis=1),
    )


def grouped_weights(layer: Conv2d, paired: Pairs) -> np.ndarray:
    """Weights, int8, of the outputs in the order of their pairs, with zero channels up to a whole group."""
    weights = layer.weights[paired.order]
    missing = -weights.shape[1] % CHANNELS_PER_GROUP
    return np.pad(weights, ((0, 0), (0, missing), (0, 0), (0, 0)))


def shared_constants(step: Step, paired: Pairs, width: int) -> dict[str, np.ndarray]:
    """The arrays of struct winograd_constants, those of the outputs in pairs.

    width: the pixels of a row that the kernel transforms.
    """
    layer = step.layer
    assert isinstance(layer, Conv2d) and layer.requantisation
    rule = layer.requantisation
    is_inside = layer.padding == 0 and step.pool is not None  # then only rows that exist are needed
    zeros = {} if is_inside else {"zeros": np.zeros(width, np.uint8)}
    multiplier = rule.multiplier.astype(np.int64)
    addend = paired.centre * multiplier + (1 << (rule.shift - 1))
    return {
        "addend": addend[paired.order].astype(np.int32),
        "multiplier": rule.multiplier[paired.order],
        "output": paired.order.astype(np.uint8),
        **zeros,
    }


def words(values: np.ndarray) -> np.ndarray:
    """Integers modulo 2**32, uint32."""
    return (values & 0xFFFFFFFF).astype(np.uint32)


def kernel(
    step: Step,
    name: str,
    strip: int,
    constants: Mapping[str, np.ndarray],
    cost: Cost,
    scratch_words: int,
    code_bytes: int,
) -> Kernel:
    """The kernel name(sizes, rule, strip, rows, source, weights, bias, constants, scratch, target)."""
    layer = step.layer
    assert isinstance(layer, Conv2d) and layer.requantisation
    rule = struct("requantisation", shift=layer.requantisation.shift, maximum=layer.requantisation.maximum)
    shared = {
        key: f"{step.name}_{key}" if key in constants else 0
        for key in ("addend", "multiplier", "output", "zeros")
    }
    arguments = [
        str(strip),
        *("first_row", "end_row", "{source}", f"{step.name}_weights", f"{step.name}_bias"),
        struct("winograd_constants", **shared).replace("{", "{{").replace("}", "}}"),
        *("{scratch}", "{target}"),
    ]
    return Kernel(
        header=f"fast/winograd/{name}.h",
        call=call(name, [conv2d.sizes(step), rule], arguments),
        cost=cost,
        constants=constants,
        rows=step.target.shape[1],
        weight_bits=layer.weight_bits,
        scratch_bytes=4 * scratch_words,
        code_bytes=code_bytes,
    )


def strips(rows: int) -> Sequence[int]:
    """The strips to consider for this number of rows: the smallest for each count, the largest first."""
    return sorted({-(-rows // count) for count in range(1, rows + 1)}, reverse=True)


def grouped(channels: int) -> int:
    """Channels with those that fill up the last group."""
    return -(-channels // CHANNELS_PER_GROUP) * CHANNELS_PER_GROUP


def blocks(positions: int) -> list[int]:
    """How many positions lane_products() computes at once, of this total."""
    found: list[int] = []
    while positions:
        found.append(positions if positions < 3 else 2 if positions == 4 else 3)
        positions -= found[-1]
    return found


def cost(
    name: str,
    step: Step,
    strip: int,
    per_strip: Mapping[str, float],
    per_unit: Mapping[str, float],
    units_per_row: float,
) -> Cost:
    """The cost of a kernel that computes a step strip by strip, and units_per_row units in each row.

    A call computes one strip more than the whole strips before its last row.
    """
    strips_per_row = 0.0 if strip >= step.target.shape[1] else 1 / strip
    per_row = {piece: units_per_row * count for piece, count in per_unit.items()}
    for piece, count in per_strip.items():
        per_row[piece] = per_row.get(piece, 0) + strips_per_row * count
    return Cost(name, {piece: (1 - strips_per_row) * count for piece, count in per_strip.items()}, per_row)


def pair_counts(outputs: int) -> list[int]:
    """The pairs that the kernels compute together: two, and the last one alone if it is left over."""
    return [2] * (outputs // 4) + [1] * (outputs // 2 % 2)
