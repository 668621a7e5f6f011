"""Training keeps the bounds of the kernels that a recipe asks for."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

import torch
from torch import nn

from common.errors import UserError
from compiler.kernels.conv3x3_lanes import fits_lanes
from compiler.kernels.winograd import conv3x3_winograd_1d, conv3x3_winograd_2d, pairs
from compiler.network import Conv2d, Model, Tensor
from training.quantise.network import quantised
from training.recipe import Quantisation

pytestmark = pytest.mark.train

LOST_BITS = {1: conv3x3_winograd_1d.LOST_BITS, 2: conv3x3_winograd_2d.LOST_BITS}

SOURCE = Tensor((20, 26, 26), 0, 63)


def network() -> nn.Sequential:
    """Two convolutions. The second has four filters beyond 15 bits and four beyond 16, and a large bias."""
    torch.manual_seed(5)
    second = nn.Conv2d(20, 8, 3)
    assert second.bias is not None
    with torch.no_grad():
        second.weight[4:] = second.weight[4:].sign()
        second.bias[0] = 1e3
    layers = [nn.Conv2d(1, 20, 3), nn.ReLU(), second, nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8 * 24 * 24, 10))


def second_layer(rule: Quantisation) -> Conv2d:
    model: Model = quantised(network(), "bounded", rule, torch.rand(20, 1, 28, 28)).model("bounded")
    layer = model.layers[1]
    assert isinstance(layer, Conv2d)
    return layer


def ranges(layer: Conv2d) -> np.ndarray:
    low, high = pairs.sums(layer, SOURCE)
    return high - low


@pytest.mark.parametrize("dimensions", [1, 2])
def test_the_compiler_finds_pairs_after_training_with_the_bound(dimensions: int) -> None:
    free = second_layer(Quantisation((8, 4, 8), 63, 1))
    bounded = second_layer(Quantisation((8, 4, 8), 63, 1, winograd=(0, dimensions, 0)))
    assert pairs.pair_outputs(free, SOURCE, LOST_BITS[dimensions]) is None
    assert pairs.pair_outputs(bounded, SOURCE, LOST_BITS[dimensions]) is not None


def test_in_one_dimension_the_widest_half_keeps_a_bit_more() -> None:
    width = ranges(second_layer(Quantisation((8, 4, 8), 63, 1, winograd=(0, 1, 0))))
    assert (width >= 2**15).sum() == 4
    assert width.max() < 2**16


def test_the_bound_is_used_almost_fully() -> None:
    width = ranges(second_layer(Quantisation((8, 4, 8), 63, 1, winograd=(0, 2, 0))))
    assert 0.9 * 2**15 < width.max() < 2**15


def test_lanes_and_winograd_hold_together() -> None:
    layer = second_layer(Quantisation((8, 4, 8), 63, 1, lanes=True, winograd=(0, 2, 0)))
    assert fits_lanes(layer, SOURCE)
    assert pairs.pair_outputs(layer, SOURCE, LOST_BITS[2]) is not None


@pytest.mark.parametrize(
    ("rule", "layer"),
    [
        (Quantisation((8, 8, 8), 63, winograd=(0, 2, 0)), 2),
        (Quantisation((8, 4, 8), 127, winograd=(0, 2, 0)), 2),
        (Quantisation((4, 4, 4), 63, winograd=(0, 0, 1)), 5),
    ],
    ids=["weights of 8 bits", "inputs of 7 bits", "fully connected"],
)
def test_a_layer_without_such_a_kernel_is_refused(rule: Quantisation, layer: int) -> None:
    with pytest.raises(UserError, match=rf"layer {layer} .*: Winograd's transform of [12] dimensions needs"):
        quantised(network(), "bounded", rule)


def test_a_wrong_number_of_dimensions_is_refused() -> None:
    with pytest.raises(UserError, match="its recipe has winograd 3, not 0, 1 or 2"):
        quantised(network(), "bounded", Quantisation(winograd=3))
