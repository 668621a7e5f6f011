"""Which convolutions conv3x3_lanes takes, and how it packs their weights."""

from typing import Any

import numpy as np
import pytest

from compiler import kernels, lower
from compiler.kernels import conv3x3_lanes
from compiler.network import IMAGE, Conv2d, Requantisation, Tensor


@pytest.mark.parametrize(
    "layer",
    [
        {"stride": 2},
        {"outputs": 3},
        {"kernel": 2},
        {"weight": 127},
    ],
    ids=str,
)
def test_other_convolutions_are_left_to_the_reference_kernel(layer: Any) -> None:
    kernel, outputs = layer.get("kernel", 3), layer.get("outputs", 2)
    weights = np.full((outputs, 1, kernel, kernel), layer.get("weight", 1), np.int8)
    rule = Requantisation(np.ones(outputs, np.int16), 8, 127)
    options = {name: layer[name] for name in ("stride",) if name in layer}
    conv = Conv2d(weights, np.zeros(outputs, np.int32), rule, **options)
    step = lower.Step(0, conv, IMAGE, conv.output(IMAGE))
    assert [kernel.name for kernel in kernels.candidates(step)] == ["conv2d"]


def test_lanes_hold_sums_of_exactly_sixteen_bits() -> None:
    weights = np.array([[[[1, 1, 0], [-2, -1, 0], [0, 0, 0]]]], np.int8)
    source = Tensor((1, 28, 28), 0, 127)
    rule = Requantisation(np.array([100], np.int16), 8, 127)
    for bias, fits in [
        (32_767 - 2 * 127, True),
        (32_767 - 2 * 127 + 1, False),
        (3 * 127 - 32_767, True),
        (3 * 127 - 32_768, False),
    ]:
        layer = Conv2d(weights, np.array([bias], np.int32), rule)
        assert conv3x3_lanes.fits_lanes(layer, source) is fits


def test_weights_of_two_outputs_share_words() -> None:
    weights = np.array([[-7, 7, 0, 1, -1], [3, -3, 2, 0, 7]], np.int8)
    assert [f"{word:08x}" for word in conv3x3_lanes.pack(weights, 4)] == ["8a5b98f1", "888f8887"]
