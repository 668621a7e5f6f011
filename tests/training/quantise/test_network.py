"""Networks in integers: they equal the reference kernels, can be trained, and keep their ranges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

import torch
from torch import Tensor, nn

from common.errors import UserError
from compiler import reference
from compiler.kernels.conv3x3_lanes import fits_lanes
from compiler.network import IMAGE, Conv2d, Linear, MaxPool2d, Model, Weighted
from data import mnist
from training import models
from training.errors import Diverged
from training.images.tensors import as_input, as_labels
from training.quantise.network import quantised
from training.recipe import Quantisation

pytestmark = pytest.mark.train

EIGHT_BITS = Quantisation()
DIGITS = mnist.load_test_set()


def unit(channels: int, outputs: int, kernel: int = 3, **options: Any) -> list[nn.Module]:
    """A convolution with ReLU and a batch normalisation that is not the identity."""
    norm = nn.BatchNorm2d(outputs)
    assert norm.running_mean is not None and norm.running_var is not None
    nn.init.uniform_(norm.weight, -1, 1.5)
    nn.init.normal_(norm.bias, 0, 0.3)
    nn.init.uniform_(norm.running_mean, -0.2, 0.2)
    nn.init.uniform_(norm.running_var, 0.05, 0.5)
    return [nn.Conv2d(channels, outputs, kernel, **options), norm, nn.ReLU()]


def build(name: str) -> tuple[nn.Sequential, Quantisation]:
    """A small network, always with the same weights, and its quantisation."""
    torch.manual_seed(4)
    if name == "cnn":
        return models.Cnn().eval(), models.Cnn.recipe.quantisation
    layers = {
        "linear": [nn.Flatten(), nn.Linear(784, 10)],
        "perceptron": [nn.Flatten(), nn.Linear(784, 40), nn.BatchNorm1d(40), nn.ReLU(), nn.Linear(40, 10)],
        "depthwise": [
            *unit(1, 4, stride=2),
            *unit(4, 8, groups=4, padding=1),
            *unit(8, 12, 1),
            nn.MaxPool2d(3, 2),
            nn.Flatten(),
            nn.Linear(12 * 36, 10, bias=False),
        ],
        "pools": [
            nn.MaxPool2d(3, 2),
            *unit(1, 6, 4, padding=2),
            nn.AvgPool2d(3, 2),
            *unit(6, 8),
            nn.AvgPool2d(4),
            nn.Flatten(),
            nn.Linear(8, 10),
        ],
    }
    rules = {
        "linear": EIGHT_BITS,
        "perceptron": Quantisation((4, 2), 200),
        "depthwise": Quantisation((8, 8, 4, 8), (127, 31, 15), input_shift=2),
        "pools": Quantisation(8, 255),
    }
    return nn.Sequential(*layers[name]).eval(), rules[name]


def images(count: int) -> Tensor:
    return as_input(DIGITS.images[:count])


@pytest.mark.parametrize("name", ["cnn", "linear", "perceptron", "depthwise", "pools"])
def test_the_forward_pass_equals_the_reference_before_and_after_training(name: str) -> None:
    float_network, rule = build(name)
    network = quantised(float_network, "equal", rule, images(80))
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    losses = []
    for _ in range(4):
        with torch.no_grad():
            logits, scale = network.logits(images(80))
        model = network.model("equal")
        expected = reference.run(model, DIGITS.images[:80])
        np.testing.assert_array_equal(logits.numpy().astype(np.int64), expected)
        assert float(scale) == model.logit_scale
        assert expected.std() > 0
        loss = nn.functional.cross_entropy(network(images(80)), as_labels(DIGITS.labels[:80]))
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
        optimizer.step()
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", ["linear", "perceptron", "depthwise", "pools"])
def test_eight_bits_stay_close_to_the_float_network(name: str) -> None:
    float_network, rule = build(name)
    rule = Quantisation(8, 255, rule.input_shift // 2)
    network = quantised(float_network, "close", rule, images(200))
    with torch.no_grad():
        expected, got = float_network(images(200)), network(images(200))
    assert (got - expected).abs().max() < 0.05 * expected.abs().max()


@pytest.mark.parametrize("ceiling", [0.05, 0.4])
def test_activations_saturate_at_the_ceiling_of_a_clipping_layer(ceiling: float) -> None:
    torch.manual_seed(3)
    layers = [nn.Conv2d(1, 8, 5), nn.Hardtanh(0, ceiling), nn.MaxPool2d(4), nn.Flatten(), nn.Linear(288, 10)]
    float_network = nn.Sequential(*layers)
    assert (layers[0](images(200)) > ceiling).float().mean() > 0.02
    network = quantised(float_network, "clipped", Quantisation(8, 255), images(200))
    with torch.no_grad():
        expected, got = float_network(images(200)), network(images(200))
    assert (got - expected).abs().max() < 0.02 * expected.abs().max()


def test_every_parameter_has_a_gradient_like_the_float_network() -> None:
    # Scales too: rounding is treated as the identity, so the gradients of the weights are those of floats.
    float_network, rule = build("pools")
    network = quantised(float_network, "gradient", rule, images(200))
    for subject in (float_network, network):
        nn.functional.cross_entropy(subject(images(200)), as_labels(DIGITS.labels[:200])).backward()
    expected, got = dict(float_network[-1].named_parameters()), dict(network.stages[-1].named_parameters())
    for name in ("weight", "bias"):
        error = gradient(got[name]) - gradient(expected[name])
        assert error.norm() < 0.05 * gradient(expected[name]).norm()
    for stage in network.stages:
        for name, parameter in stage.named_parameters():
            assert gradient(parameter).abs().max() > 0, name


def gradient(parameter: nn.Parameter) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def test_lanes_hold_for_weights_of_one_sign_and_large_biases() -> None:
    torch.manual_seed(1)
    layers = [nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 5), nn.ReLU()]
    float_network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * 22 * 22, 10))
    for module in float_network:
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.uniform_(module.weight, 0.5, 1)
            assert module.bias is not None
            nn.init.uniform_(module.bias, -50, 50)

    def all_fit(model: Model) -> bool:
        sources = [IMAGE, *model.tensors[:-1]]
        layers = [layer for layer in model.layers if isinstance(layer, Weighted)]
        return all(fits_lanes(layer, source) for layer, source in zip(layers, sources, strict=True))

    lanes = quantised(float_network, "lanes", Quantisation(8, 127, 1, lanes=True), images(50)).model("lanes")
    wide = quantised(float_network, "wide", Quantisation(8, 127, 1), images(50)).model("wide")
    assert all_fit(lanes) and not all_fit(wide)
    # The weights are almost as large as 16 bits allow.
    for layer, source in zip(lanes.layers[:2], [IMAGE, *lanes.tensors], strict=False):
        assert isinstance(layer, Weighted)
        low, high = layer.accumulators(source)
        assert np.maximum(high, -low).min() > 0.95 * 32767


def test_lanes_change_nothing_where_every_sum_fits() -> None:
    torch.manual_seed(1)
    float_network = nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 27 * 27, 10))
    lanes, wide = (
        quantised(float_network, "same", Quantisation((4, 2), 1, 1, lanes), images(5)).model("same")
        for lanes in (True, False)
    )
    assert lanes.checksum == wide.checksum


def test_the_epsilon_of_batch_normalisation_is_folded_too() -> None:
    norm = nn.BatchNorm1d(10, eps=0.5)
    assert norm.running_var is not None
    nn.init.constant_(norm.running_var, 0.5)
    hidden = [nn.Flatten(), nn.Linear(784, 10), norm, nn.ReLU(), nn.Linear(10, 10)]
    float_network = nn.Sequential(*hidden).eval()
    network = quantised(float_network, "epsilon", Quantisation(8, 255), images(200))
    with torch.no_grad():
        expected, got = float_network(images(200)), network(images(200))
    assert (got - expected).abs().max() < 0.05 * expected.abs().max()
    weights = dict(network.stages[0].named_parameters())["weight"]
    torch.testing.assert_close(weights, float_network[1].weight)


def test_the_scale_of_logits_in_lanes_is_shared() -> None:
    layer = nn.Linear(784, 10)
    with torch.no_grad():
        layer.weight.copy_(torch.linspace(0.01, 1, 10).view(10, 1).expand(10, 784))
    float_network = nn.Sequential(nn.Flatten(), layer)
    network = quantised(float_network, "shared", Quantisation(lanes=True, input_shift=5))
    with torch.no_grad():
        expected, got = float_network(images(50)), network(images(50))
    # With 784 weights, 7 is too large for 16 bits, so weights have few counts.
    assert (got - expected).abs().max() < 0.5 * expected.abs().max()


def test_pooling_behind_a_convolution_is_a_layer_in_the_model() -> None:
    float_network, rule = build("cnn")
    kinds = [type(layer) for layer in quantised(float_network, "cnn", rule).model("cnn").layers]
    assert kinds == [Conv2d, MaxPool2d, Conv2d, MaxPool2d, Conv2d, Conv2d, Linear]


def test_an_output_whose_weights_are_all_zero_is_allowed() -> None:
    float_network, rule = build("depthwise")
    for module in float_network:
        if isinstance(module, nn.Conv2d):
            nn.init.zeros_(module.weight[0])
    network = quantised(float_network, "dead", rule, images(100))
    expected = reference.run(network.model("dead"), DIGITS.images[:100])
    np.testing.assert_array_equal(network.logits(images(100))[0].detach().numpy(), expected)


def test_a_layer_without_positive_outputs_can_be_calibrated() -> None:
    layers = [nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 26 * 26, 10)]
    with torch.no_grad():
        for parameter in layers[0].parameters():
            parameter.fill_(-1)
    network = quantised(nn.Sequential(*layers), "dead", EIGHT_BITS, images(5))
    expected = reference.run(network.model("dead"), DIGITS.images[:5])
    assert network.logits(images(5))[0].tolist() == expected.tolist()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_network_with_weights_that_are_not_finite_is_refused(value: float) -> None:
    layer = nn.Linear(784, 10)
    nn.init.constant_(layer.weight, value)
    with pytest.raises(Diverged, match=r"^Training diverged: lower the learning rate"):
        quantised(nn.Sequential(nn.Flatten(), layer), "odd", EIGHT_BITS).model("odd")


def test_a_model_whose_name_is_not_allowed_is_named() -> None:
    with pytest.raises(UserError, match="Model Odd cannot be put on the chip: the name 'Odd'"):
        quantised(build("linear")[0], "Odd", EIGHT_BITS).model("Odd")
