"""The choice of scales and multipliers."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

import torch

from training.errors import Diverged
from training.quantise import scales

pytestmark = pytest.mark.train


@pytest.mark.parametrize(("bits", "largest"), [(8, 127), (4, 7), (2, 1)])
def test_the_largest_weight(bits: int, largest: int) -> None:
    assert scales.largest_weight(bits) == largest


def test_eight_bits_use_the_whole_range_of_each_output() -> None:
    weight = torch.tensor([[0.5, -1.27], [2.54, 0.0]])
    assert scales.weight_scales(weight, 8, shared=False).tolist() == pytest.approx([0.01, 0.02])
    assert scales.weight_scales(weight, 8, shared=True).tolist() == pytest.approx([0.02])


@pytest.mark.parametrize("bits", [2, 4])
def test_few_bits_clip_the_largest_weights_for_a_smaller_error(bits: int) -> None:
    torch.manual_seed(0)
    weight = torch.randn(3, 2000)
    largest = scales.largest_weight(bits)

    def error(scale: torch.Tensor) -> torch.Tensor:
        scale = scale.view(-1, 1)
        return ((weight / scale).round().clamp(-largest, largest) * scale - weight).square().sum(dim=1)

    best = scales.weight_scales(weight, bits, shared=False)
    unclipped = weight.abs().amax(dim=1) / largest
    assert (best < unclipped).all() and (error(best) < 0.8 * error(unclipped)).all()
    for factor in (0.9, 1.1):
        assert (error(best) < error(best * factor)).all()


def test_outputs_without_weights_have_a_usable_scale() -> None:
    weight = torch.tensor([[0.0, 0.0], [1.27, 0.0]])
    assert scales.weight_scales(weight, 8, shared=False).tolist() == pytest.approx([0.01 / 1024, 0.01])
    assert scales.weight_scales(torch.zeros(2, 2), 8, shared=False).tolist() == [1, 1]


def test_the_scale_of_activations_has_the_smallest_error_of_its_neighbours() -> None:
    torch.manual_seed(0)
    real = torch.randn(100_000).clamp(min=0)
    scale = scales.activation_scale(real, 7, fallback=torch.tensor(9.0))

    def error(scale: torch.Tensor) -> float:
        return ((real / scale).round().clamp(max=7) * scale - real).square().mean().item()

    assert 0.2 * real.max() / 7 < scale < 0.9 * real.max() / 7
    assert error(scale) < error(scale * 0.93) and error(scale) < error(scale * 1.07)


def test_activations_that_are_all_zero_take_the_fallback() -> None:
    assert scales.activation_scale(torch.zeros(5), 7, fallback=torch.tensor(9.0)) == 9


def test_the_largest_sums_count_terms_of_one_sign_only() -> None:
    weights = torch.tensor([[2.0, -3.0], [1.0, 1.0], [-4.0, 0.0]])
    bias = torch.tensor([5.0, -100.0, -7.0])
    assert scales.largest_sums(weights, bias, 10).tolist() == [30, 100, 47]
    assert scales.largest_sums(weights, -bias, 10).tolist() == [35, 120, 40]


def test_the_largest_sums_are_exact_beyond_24_bits() -> None:
    weights = torch.full((1, 784), 127.0)
    assert scales.largest_sums(weights, torch.tensor([1.0]), 255).item() == 784 * 127 * 255 + 1


@pytest.mark.parametrize("ratio", [1e-6, 0.003, 0.49, 0.51, 1.0, 300.0])
def test_the_multiplier_approximates_the_ratio_without_overflow(ratio: float) -> None:
    ratios, sums = torch.tensor([ratio, ratio / 3]), torch.tensor([1000.0, 2000.0]).double()
    multiplier, shift = scales.requantisation(ratios, sums)
    assert multiplier.dtype == torch.int32
    assert (multiplier / 2**shift).tolist() == pytest.approx(ratios.tolist(), rel=2**-10, abs=2**-31)
    assert (sums * multiplier).max() + 2 ** (shift - 1) < 2**31
    # One more bit would overflow a multiplier, a product, or the largest shift.
    assert shift == 30 or multiplier.max() >= 2**14 or (sums * multiplier).max() >= 2**28


def test_a_multiplier_that_is_rounded_up_does_not_overflow() -> None:
    multiplier, shift = scales.requantisation(torch.tensor([1e-9, 1e-9]), torch.tensor([1.9e9, 1.0]).double())
    assert multiplier.tolist() == [1, 1] and 1.9e9 + 2 ** (shift - 1) < 2**31


@pytest.mark.parametrize("ratio", [0.0, float("nan"), float("inf"), 20_000.0])
def test_a_ratio_that_cannot_be_expressed_is_divergence(ratio: float) -> None:
    with pytest.raises(Diverged):
        scales.requantisation(torch.tensor([ratio]), torch.tensor([100.0]).double())


def test_a_product_that_cannot_be_expressed_is_divergence() -> None:
    with pytest.raises(Diverged):
        scales.requantisation(torch.tensor([10.0]), torch.tensor([1e8]).double())
