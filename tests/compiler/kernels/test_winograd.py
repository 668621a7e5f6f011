"""Which convolutions the Winograd kernels take, which outputs share words, and what is planned for them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from compiler import kernels, lower
from compiler.kernels import Kernel, choice
from compiler.kernels.winograd import conv3x3_winograd_2d, pairs
from compiler.network import Conv2d, MaxPool2d, Requantisation, Tensor
from compiler.target import Room

NAMES = {"conv3x3_winograd_1d", "conv3x3_winograd_2d"}


def _step(
    widths: list[int],
    *,
    channels: int = 4,
    maximum: int = 1,
    pool: MaxPool2d | None = None,
    side: int = 8,
    kernel: int = 3,
    **options: int,
) -> lower.Step:
    """A convolution whose outputs' sums have these ranges, with inputs of 0 to `maximum`."""
    weights = np.zeros((len(widths), channels, kernel, kernel), np.int8)
    for output, width in enumerate(widths):
        total = width // maximum
        for place in range(weights[output].size):
            size = min(7, total)
            weights[output].flat[place] = size if place % 2 else -size
            total -= size
        assert total == 0, "too few weights for such a range"
    rule = Requantisation(np.ones(len(widths), np.int16), 8, 63)
    layer = Conv2d(weights, np.zeros(len(widths), np.int32), rule, **{"weight_bits": 4, **options})
    source = Tensor((channels, side, side), 0, maximum)
    target = layer.output(source)
    return lower.Step(1, layer, source, pool.output(target) if pool else target, pool)


def _conv(step: lower.Step) -> Conv2d:
    assert isinstance(step.layer, Conv2d)
    return step.layer


def _winograd(step: lower.Step) -> set[str]:
    return {kernel.name for kernel in kernels.candidates(step)} & NAMES


def test_both_take_convolutions_of_their_shape() -> None:
    assert _winograd(_step([100, 200])) == NAMES
    assert _winograd(_step([100, 200], pool=MaxPool2d(2, 2), padding=1)) == NAMES


@pytest.mark.parametrize(
    "options",
    [
        {"stride": 2},
        {"widths": [100, 200, 100]},
        {"kernel": 2},
        {"weight_bits": 8},
        {"input_shift": 1},
        {"pool": MaxPool2d(3, 3)},
        {"channels": 2, "groups": 2},
    ],
    ids=str,
)
def test_other_convolutions_are_left_to_other_kernels(options: dict[str, Any]) -> None:
    if "groups" in options:
        step = _step([100, 200], channels=4)
        layer = replace(_conv(step), weights=_conv(step).weights[:, :2], groups=2)
        step = replace(step, layer=layer)
    else:
        step = _step(**{"widths": [100, 80], **options})
    assert not _winograd(step)


def test_two_dimensions_need_inputs_of_six_bits() -> None:
    assert _winograd(_step([630, 630], maximum=63)) == NAMES
    assert _winograd(_step([640, 640], maximum=64)) == {"conv3x3_winograd_1d"}


@pytest.mark.parametrize(
    ("widths", "taken"),
    [
        ([32_767] * 4, NAMES),
        ([32_767] * 3 + [32_798], {"conv3x3_winograd_1d"}),
        ([32_767, 65_534, 65_534, 32_767], {"conv3x3_winograd_1d"}),
        ([32_767, 32_798, 32_798, 32_798], set()),
        ([32_767, 65_565], set()),
    ],
)
def test_the_range_of_sums_decides(widths: list[int], taken: set[str]) -> None:
    """32,767 is the largest range of 15 bits that is a multiple of 31, 65,534 that of 16 bits."""
    assert _winograd(_step(widths, channels=36, maximum=31)) == taken


def test_each_wide_output_is_paired_with_a_narrow_one() -> None:
    widths = [31 * 1057, 31 * 1058, 31 * 10, 31 * 1500, 31 * 2000, 31 * 20]
    step = _step(widths, channels=36, maximum=31)
    paired = pairs.pair_outputs(_conv(step), step.source, lost_bits=1)
    assert paired is not None
    assert sorted(paired.order.tolist()) == [0, 1, 2, 3, 4, 5]
    assert {widths[output] for output in paired.low} == {31 * 2000, 31 * 1500, 31 * 1058}
    narrow = _step([100, 30, 200, 40])
    in_order = pairs.pair_outputs(_conv(narrow), narrow.source, lost_bits=1)
    assert in_order is not None and in_order.order.tolist() == [0, 1, 2, 3]


def test_sums_less_their_centre_fit_signed_lanes() -> None:
    step = _step([32_767, 32_767], channels=36, maximum=31)
    layer = replace(_conv(step), bias=np.array([1_000_000, -1_000_000], np.int32))
    paired = pairs.pair_outputs(layer, step.source, lost_bits=2)
    assert paired is not None
    low, high = pairs.sums(layer, step.source)
    assert ((low - paired.centre).min(), (high - paired.centre).max()) == (-(2**14), 2**14 - 1)


def test_a_word_holds_four_weights_of_two_outputs() -> None:
    weights = np.zeros((2, 4, 3, 3), np.int8)
    weights[0, 0, 0], weights[1, 0, 0], weights[0, 0, 1, 0] = (1, -1, 7), (2, -7, 0), -2
    packed = conv3x3_winograd_2d.pack(weights)
    assert (len(packed), f"{packed[0]:08x}") == (9, "0092e7f1")


def test_smaller_strips_take_less_memory_and_more_time() -> None:
    step = _step([100] * 8, channels=8, side=14, pool=MaxPool2d(2, 2))
    for name in NAMES:
        found = [kernel for kernel in kernels.candidates(step) if kernel.name == name]
        memory = [kernel.scratch_bytes for kernel in found]
        cycles = [kernel.cycles for kernel in found]
        assert len(found) == 4
        assert memory == sorted(memory, reverse=True) and cycles == sorted(cycles)


def test_the_fastest_kernel_within_the_limit_of_memory_is_chosen() -> None:
    step = _step([100] * 28, channels=16, side=12, pool=MaxPool2d(2, 2))
    largest = _chosen(step, 100_000)
    assert largest.name == "conv3x3_winograd_2d"
    smaller = _chosen(step, largest.scratch_bytes - 1)
    assert smaller.name in NAMES and smaller.cycles > largest.cycles
    assert _chosen(step, 600).name == "conv3x3_lanes"
    assert _chosen(step, -1).name == "conv2d"


def test_less_flash_gets_the_kernel_that_takes_less() -> None:
    step = _step([100] * 16, channels=16, side=14, pool=MaxPool2d(2, 2))
    fastest = _chosen(step, 100_000)
    assert _chosen(step, 100_000, fastest.flash_bytes).cycles == fastest.cycles
    smaller = _chosen(step, 100_000, fastest.flash_bytes - 1)
    assert smaller.flash_bytes < fastest.flash_bytes and smaller.cycles > fastest.cycles


def _chosen(step: lower.Step, arena: int, flash: int = 100_000) -> Kernel:
    """The kernel of a network of one step, whose input and output lie elsewhere."""
    candidates = kernels.candidates(step)
    [chosen] = choice.choose([step], [candidates], Room(flash, arena))
    return chosen
