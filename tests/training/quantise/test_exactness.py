"""Training computes the integers of the chip: its forward pass equals the reference kernels, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from compiler import reference
from training.images.tensors import as_input
from training.quantise.network import QuantisedNetwork, quantised
from training.quantise.stages import Convolution, Ranges, WeightedStage
from training.recipe import Quantisation

pytestmark = pytest.mark.train

_BITS = st.sampled_from([2, 4, 8])
_MAXIMA = st.sampled_from([1, 2, 63, 127, 254, 255])


def saturated(network: nn.Sequential, generator: np.random.Generator, bias: float) -> nn.Sequential:
    """Gives each output weights that are all at one end of their range, or random, and a large bias."""
    for module in network:
        if not isinstance(module, nn.Conv2d | nn.Linear):
            continue
        kind = generator.integers(0, 4, module.weight.shape[:1] + (1,) * (module.weight.ndim - 1))
        random = generator.uniform(-1, 1, module.weight.shape)
        weight = np.choose(kind, [random, np.sign(random), np.abs(np.sign(random)), random**15])
        assert module.bias is not None
        with torch.no_grad():
            module.weight.copy_(torch.from_numpy(weight))
            module.bias.copy_(torch.from_numpy(generator.uniform(-bias, bias, module.bias.shape)))
    return network


def extreme_images(generator: np.random.Generator) -> NDArray[np.uint8]:
    """uint8 (6, 1, 28, 28): black, white, noise, noise of black and white pixels, and two almost white."""
    noise = generator.integers(0, 256, (28, 28))
    light = 255 - generator.integers(0, 3, (2, 28, 28))
    images = [np.zeros_like(noise), np.full_like(noise, 255), noise, noise // 128 * 255, *light]
    return np.stack(images)[:, np.newaxis].astype(np.uint8)


def assert_equals_reference(network: QuantisedNetwork, images: NDArray[np.uint8]) -> None:
    """Compares integer logits bit for bit."""
    expected = reference.run(network.model("equal"), images)
    with torch.no_grad():
        logits, scale = network.logits(as_input(images))
        real = network(as_input(images))
    np.testing.assert_array_equal(logits.numpy().astype(np.int64), expected)
    assert real.dtype == torch.float32
    np.testing.assert_array_equal(real.numpy(), (expected * scale.double().numpy()).astype(np.float32))


def dense(hidden: int) -> nn.Sequential:
    first = [] if hidden == 0 else [nn.Linear(784, hidden), nn.ReLU()]
    return nn.Sequential(nn.Flatten(), *first, nn.Linear(hidden or 784, 10))


def convolutional(channels: int, kernel: int, pool: str) -> nn.Sequential:
    side = (28 - kernel + 1) // 2
    pooling = {"max": nn.MaxPool2d(2), "average": nn.AvgPool2d(2)}[pool]
    return nn.Sequential(
        nn.Conv2d(1, channels, kernel),
        nn.ReLU(),
        pooling,
        nn.Conv2d(channels, 3, kernel),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(3 * (side - kernel + 1) ** 2, 10),
    )


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    hidden=st.sampled_from([0, 1, 30, 530]),
    bits=_BITS,
    maximum=_MAXIMA,
    shift=st.integers(0, 7),
    bias=st.sampled_from([0.0, 10.0, 1e4]),
    seed=st.integers(0, 1000),
)
def test_dense_networks_with_saturated_weights(
    hidden: int, bits: int, maximum: int, shift: int, bias: float, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    images = extreme_images(generator)
    rule = Quantisation(bits, maximum, shift)
    network = quantised(saturated(dense(hidden), generator, bias), "equal", rule)
    network.calibrate(as_input(images))
    assert_equals_reference(network, images)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    channels=st.sampled_from([1, 4, 24]),
    kernel=st.integers(1, 7),
    pool=st.sampled_from(["max", "average"]),
    bits=_BITS,
    maximum=_MAXIMA,
    shift=st.integers(0, 7),
    lanes=st.booleans(),
    bias=st.sampled_from([0.0, 10.0, 1e4]),
    seed=st.integers(0, 1000),
)
def test_convolutional_networks_with_saturated_weights(
    channels: int,
    kernel: int,
    pool: str,
    bits: int,
    maximum: int,
    shift: int,
    lanes: bool,
    bias: float,
    seed: int,
) -> None:
    generator = np.random.default_rng(seed)
    images = extreme_images(generator)
    rule = Quantisation(bits, maximum, shift, lanes)
    network = quantised(saturated(convolutional(channels, kernel, pool), generator, bias), "equal", rule)
    network.calibrate(as_input(images))
    assert_equals_reference(network, images)


def test_a_linear_layer_whose_sums_need_more_than_24_bits() -> None:
    generator = np.random.default_rng(1)
    network = quantised(saturated(dense(0), generator, 1.0), "wide", Quantisation())
    images = extreme_images(generator)
    assert np.abs(reference.run(network.model("wide"), images)).max() > 2**24
    assert_equals_reference(network, images)


def test_a_convolution_whose_sums_need_more_than_24_bits() -> None:
    torch.manual_seed(1)
    weight = torch.randint(100, 128, (3, 24, 7, 7)).float()
    ranges = Ranges(weight_bits=8, maximum=255, largest_input=255, input_shift=0)
    stage = WeightedStage(weight, torch.zeros(3), ranges, Convolution(stride=2, padding=1, groups=1))
    values, bias = torch.randint(250, 256, (2, 24, 12, 12)).float(), torch.tensor([1.0, -3.0, 7.0])
    sums = stage.sums(values, weight, bias)
    expected = nn.functional.conv2d(values.long(), weight.long(), bias.long(), stride=2, padding=1)
    assert expected.max() > 2**24 and (expected % 2 == 1).any()
    assert torch.equal(sums.long(), expected)
