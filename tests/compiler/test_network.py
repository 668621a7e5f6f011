"""A network's limits: settings, shapes and the ranges of its integers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from common.errors import UserError
from compiler.network import IMAGE, AvgPool2d, Conv2d, Linear, MaxPool2d, Model, Requantisation, Tensor, image


def test_the_smallest_settings_are_allowed() -> None:
    assert MaxPool2d(1, 1).output(IMAGE).shape == IMAGE.shape
    assert rule(multiplier=1).multiplier.min() == 1


def model_of(*layers: Any) -> Model:
    return Model("random", layers, 1e-5)


def one_convolution(**changes: Any) -> Conv2d:
    """A convolution's arguments, 2 outputs of 3x3, some of them replaced."""
    rule = Requantisation(np.array([100, 200], np.int16), 8, 127)
    arguments: dict[str, Any] = {
        "weights": np.full((2, 1, 3, 3), 7, np.int8),
        "bias": np.zeros(2, np.int32),
        "requantisation": rule,
        "weight_bits": 4,
    }
    return Conv2d(**(arguments | changes))


def rule(multiplier: int = 100, outputs: int = 2, shift: int = 8, maximum: int = 127) -> Requantisation:
    return Requantisation(np.full(outputs, multiplier, np.int16), shift, maximum)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: one_convolution(weights=np.full((2, 1, 3, 3), 8, np.int8)), "do not fit 4 bits"),
        (lambda: one_convolution(weight_bits=2), "do not fit 2 bits"),
        (lambda: one_convolution(weight_bits=5), "weights of 5 bits, not of 8, 4 or 2"),
        (lambda: one_convolution(weight_bits=4.0), "weights of 4.0 bits"),
        (lambda: one_convolution(requantisation=None), "accumulators are not requantised"),
        (lambda: one_convolution(requantisation=rule(outputs=3)), "2 outputs and 3 multipliers"),
        (lambda: one_convolution(stride=0), "its stride is 0, not 1 to 64"),
        (lambda: one_convolution(stride=None), "its stride is None"),
        (lambda: one_convolution(padding=3), "its padding is 3, not 0 to 2"),
        (lambda: one_convolution(groups=3), "its number of groups is 3, not 1 to 2"),
        (lambda: one_convolution(input_shift=8), "its input shift is 8, not 0 to 7"),
        (lambda: rule(multiplier=0), "a multiplier that is not positive"),
        (lambda: rule(shift=31), "its shift is 31, not 1 to 30"),
        (lambda: rule(maximum=256), "its largest activation is 256, not 1 to 255"),
        (lambda: MaxPool2d(0, 1), "its window is 0"),
        (lambda: AvgPool2d(2, cast(int, 2.0)), "its stride is 2.0"),
    ],
)
def test_settings_that_no_layer_can_have_are_named(make: Callable[[], object], complaint: str) -> None:
    with pytest.raises(UserError, match=re.escape(complaint)):
        make()


def test_a_requantisation_that_could_overflow_is_refused() -> None:
    """The largest accumulator is 9 * 7 * 255 = 16,065, and 16,065 * 32,767 is well inside 31 bits."""
    layer = one_convolution(requantisation=rule(32_767))
    assert layer.output(IMAGE).shape == (2, 26, 26)
    largest = 2**31 - 1 - 2**7
    bias = np.array([0, largest // 32_767 - 16_065], np.int32)
    assert one_convolution(requantisation=rule(32_767), bias=bias).output(IMAGE)
    for one_more in (bias + np.array([0, 1], np.int32), np.array([-(2**31) // 32_767 - 2, 0], np.int32)):
        with pytest.raises(UserError, match=r"its requantisation could reach .* overflow"):
            one_convolution(requantisation=rule(32_767), bias=one_more).output(IMAGE)


@pytest.mark.parametrize("sign", [1, -1])
def test_an_accumulator_reaches_the_ends_of_32_bits_but_not_past_them(sign: int) -> None:
    """The largest sum of products is 784 * 255 * 127; what is left of 32 bits may be bias."""
    weights = np.full((10, 784), 127 * sign, np.int8)
    room = (2**31 - 1 if sign > 0 else 2**31) - 784 * 255 * 127
    bias = np.full(10, room * sign, np.int32)
    model = model_of(Linear(weights, bias))
    assert (model.tensors[-1].high if sign > 0 else model.tensors[-1].low) == (
        2**31 - 1 if sign > 0 else -(2**31)
    )
    bias[3] += sign
    with pytest.raises(UserError, match=r"layer 0 \(linear\): its accumulators could reach .* overflow"):
        model_of(Linear(weights, bias))


def test_rows_on_the_chip_fit_a_byte() -> None:
    layer = one_convolution(weights=np.zeros((2, 1, 60, 60), np.int8), padding=59)
    assert layer.output(image((1, 196, 64))).shape == (2, 255, 123)
    with pytest.raises(UserError, match="its output of 256x123 has more than 255 rows"):
        layer.output(image((1, 197, 64)))


def test_limits_of_images_and_classes_are_checked() -> None:
    layer = Linear(np.zeros((10, 3 * 32 * 32), np.int8), np.zeros(10, np.int32))
    assert Model("rgb", (layer,), 1.0, input=image((3, 32, 32))).classes == 10
    with pytest.raises(UserError, match="2 channels"):
        Model("two", (layer,), 1.0, input=image((2, 32, 48)))
    with pytest.raises(UserError, match="does not give 3 logits"):
        Model("three", (layer,), 1.0, input=image((3, 32, 32)), class_names=("a", "b", "c"))
    with pytest.raises(UserError, match="'a b' is not supported"):
        Model("blank", (layer,), 1.0, input=image((3, 32, 32)), class_names=("a b", *"123456789"))
    with pytest.raises(UserError, match="pixels are from 0 to 15, not 0 to 255"):
        Model("dark", (layer,), 1.0, input=Tensor((3, 32, 32), 0, 15))


def test_layers_that_do_not_fit_together_are_refused() -> None:
    def linear(outputs: int, inputs: int) -> Linear:
        return Linear(np.zeros((outputs, inputs), np.int8), np.zeros(outputs, np.int32))

    with pytest.raises(UserError, match="it has 100 inputs, and gets 784 values"):
        model_of(linear(10, 100))
    with pytest.raises(UserError, match="the last layer does not give 10 logits"):
        model_of(linear(9, 784))
    with pytest.raises(UserError, match="the last layer does not give 10 logits"):
        model_of()
    weights = np.ones((16, 784), np.int8)
    with pytest.raises(UserError, match=r"layer 1 \(linear\): it takes values from 0 to 255"):
        model_of(Linear(weights, np.zeros(16, np.int32)), linear(10, 16))


def test_the_checksum_covers_weights_and_biases_but_not_the_name() -> None:
    weights, bias = np.zeros((10, 784), np.int8), np.zeros(10, np.int32)
    one_weight, one_bias = weights.copy(), bias.copy()
    one_weight[9, 783] ^= 1
    one_bias[0] ^= 1
    layer = Linear(weights, bias)
    checksum = model_of(layer).checksum
    assert Model("other", (layer,), 0.5, {"seed": 1}).checksum == checksum
    assert model_of(Linear(one_weight, bias)).checksum != checksum
    assert model_of(Linear(weights, one_bias)).checksum != checksum
