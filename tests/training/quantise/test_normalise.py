"""Local normalisation in training computes the reference's bits."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

import torch
from torch import nn

from compiler import network, reference
from data import mnist
from training.images.tensors import as_input
from training.quantise.network import quantised
from training.quantise.normalise import Normalise
from training.recipe import Quantisation

pytestmark = pytest.mark.train


def sheets(shape: tuple[int, int], count: int = 60) -> np.ndarray:
    """Images with ink and noise on paper of any brightness, uint8 (count, 1, rows, columns)."""
    rng = np.random.default_rng(shape[1])
    paper = rng.integers(0, 230, (count, 1, 1, 1)) + rng.normal(0, 8, (count, 1, *shape))
    ink = rng.random((count, 1, *shape)) < 0.1
    return np.where(ink, rng.integers(0, 256, (count, 1, *shape)), paper).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("in_bfloat16", [False, True])
@pytest.mark.parametrize("shape", [(28, 28), (4, 4), (5, 7), (20, 33), (64, 64)], ids=str)
@pytest.mark.parametrize("span", [1, 48])
def test_the_module_computes_the_references_bits(
    shape: tuple[int, int], span: int, in_bfloat16: bool
) -> None:
    images = sheets(shape)
    with torch.autocast("cpu", torch.bfloat16, enabled=in_bfloat16):
        result = Normalise(span)(as_input(images))
    expected = reference.run_layer(network.Normalise(span), images)
    np.testing.assert_array_equal((result * 255).round().numpy(), expected)


def test_the_integer_network_shifts_pixels_after_the_normalisation() -> None:
    torch.manual_seed(2)
    layers = [Normalise(), nn.Conv2d(1, 4, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 144, 10)]
    images = np.concatenate([sheets((28, 28)), mnist.load_test_set().images[:60]])
    rule = Quantisation(8, 127, input_shift=2)
    trained = quantised(nn.Sequential(*layers), "photos", rule, as_input(images))
    model = trained.model("photos")
    assert [layer.kind for layer in model.layers] == ["normalise", "conv2d", "linear"]
    with torch.no_grad():
        logits, scale = trained.logits(as_input(images))
    np.testing.assert_array_equal(logits.numpy().astype(np.int64), reference.run(model, images))
    assert float(scale) == model.logit_scale
