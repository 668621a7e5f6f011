"""Layers and settings that the chip does not support are refused in one sentence."""

from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

from torch import nn

from common.errors import UserError
from training.quantise.network import quantised
from training.recipe import Quantisation

pytestmark = pytest.mark.train


def refusal(*layers: nn.Module, rule: Quantisation | None = None) -> str:
    with pytest.raises(UserError) as caught:
        quantised(nn.Sequential(*layers), "odd", rule or Quantisation()).model("odd")
    return str(caught.value)


LOGITS = (nn.Flatten(), nn.Linear(784, 10))


@pytest.mark.parametrize(
    ("layers", "complaint"),
    [
        (
            [*LOGITS, nn.Softmax(dim=1)],
            "layer 2 (Softmax): it is not supported, only Conv2d, Linear, BatchNorm1d",
        ),
        ([nn.Linear(784, 10)], "layer 0 (Linear) is on the wrong side of a Flatten"),
        ([nn.Flatten(), nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Linear(2, 10)], "layer 1 (Conv2d) is on the wrong"),
        ([nn.Flatten()], "it has no layer with weights"),
        ([nn.Flatten(), nn.Linear(784, 11)], "the last layer does not give 10 logits"),
        ([nn.Flatten(), nn.Linear(100, 10)], "layer 1 (Linear): it has 100 inputs, and gets 784 values"),
        ([nn.Flatten(), nn.Linear(784, 10), nn.ReLU()], "layer 1 (Linear): it needs a ReLU"),
        (
            [nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(1352, 10)],
            "layer 0 (Conv2d): it needs a ReLU behind it",
        ),
        ([nn.Conv2d(1, 2, 3), nn.Hardtanh(), *LOGITS], "layer 1 (Hardtanh): it must clip to a range from 0"),
        ([nn.ReLU6(), *LOGITS], "layer 0 (ReLU6) does not follow a layer with weights"),
        ([nn.ReLU(), *LOGITS], "layer 0 (ReLU) does not follow a layer with weights"),
        ([nn.BatchNorm2d(1), *LOGITS], "layer 0 (BatchNorm2d) does not follow a layer with weights"),
        ([nn.Conv2d(2, 3, 3), nn.ReLU(), *LOGITS], "layer 0 (Conv2d): it takes pictures of 2 channels"),
        ([nn.Conv2d(1, 2, 29), nn.ReLU(), *LOGITS], "layer 0 (Conv2d): its window of 29x29 is larger than"),
        ([nn.Conv2d(1, 2, 3, dilation=2), nn.ReLU(), *LOGITS], "layer 0 (Conv2d): it must have no dilation"),
        (
            [nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"), nn.ReLU(), *LOGITS],
            "layer 0 (Conv2d): it must have no dilation, and zeros as its padding",
        ),
        ([nn.Conv2d(1, 2, 3, (1, 2)), nn.ReLU(), *LOGITS], "layer 0 (Conv2d): its stride and padding must"),
        (
            [nn.Conv2d(1, 2, 3, padding=(1, 2)), nn.ReLU(), *LOGITS],
            "layer 0 (Conv2d): its stride and padding",
        ),
        (
            [nn.Conv2d(1, 2, 3, padding="same"), nn.ReLU(), *LOGITS],
            "layer 0 (Conv2d): its stride and padding",
        ),
        ([nn.MaxPool2d(3, padding=1), *LOGITS], "layer 0 (MaxPool2d): its size and stride must"),
        ([nn.MaxPool2d(3, ceil_mode=True), *LOGITS], "layer 0 (MaxPool2d): its size and stride must"),
        ([nn.MaxPool2d(3, dilation=2), *LOGITS], "layer 0 (MaxPool2d): its size and stride must"),
        ([nn.MaxPool2d(2, (2, 1)), *LOGITS], "layer 0 (MaxPool2d): its size and stride must"),
        ([nn.AvgPool2d((2, 2)), *LOGITS], "layer 0 (AvgPool2d): its size and stride must"),
        ([nn.AvgPool2d(2, divisor_override=3), *LOGITS], "layer 0 (AvgPool2d): its size and stride must"),
        (
            [nn.Flatten(0), nn.Linear(784, 10)],
            "layer 0 (Flatten): it must flatten all dimensions but the first",
        ),
        ([nn.MaxPool2d(70), *LOGITS], "layer 0 (MaxPool2d): its window is 70, not 1 to 64"),
        ([nn.AvgPool2d(70), *LOGITS], "layer 0 (AvgPool2d): its window is 70, not 1 to 64"),
        ([nn.Conv2d(1, 2, 1, padding=1), nn.ReLU(), *LOGITS], "layer 0 (Conv2d): its padding is 1, not 0"),
        ([nn.Conv2d(1, 2, 3, 70), nn.ReLU(), *LOGITS], "layer 0 (Conv2d): its stride is 70, not 1 to 64"),
        *(
            (
                [nn.Conv2d(1, 2, 3), norm, nn.ReLU(), *LOGITS],
                "layer 0 (Conv2d): the batch normalisation behind it can only be a plain BatchNorm2d(2)",
            )
            for norm in (
                nn.BatchNorm1d(2),
                nn.BatchNorm2d(3),
                nn.BatchNorm2d(2, affine=False),
                nn.BatchNorm2d(2, track_running_stats=False),
            )
        ),
    ],
)
def test_an_unsupported_network_is_refused(layers: list[nn.Module], complaint: str) -> None:
    sentence = refusal(*layers)
    assert sentence.startswith("Model odd cannot be put on the chip: ") and complaint in sentence


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        (Quantisation((8, 4)), "its recipe has weight_bits for 2 layers, and 1 are needed"),
        (Quantisation(8, (7,)), "its recipe has activation_maximum for 1 layers, and 0 are needed"),
        (Quantisation(3), "its recipe has weight_bits 3, not 8, 4 or 2"),
        (Quantisation(1), "its recipe has weight_bits 1, not 8, 4 or 2"),
        (Quantisation(input_shift=8), "its recipe has input_shift 8, not one from 0 to 7"),
        (Quantisation(input_shift=-1), "its recipe has input_shift -1, not one from 0 to 7"),
    ],
)
def test_an_unsuitable_quantisation_is_refused(rule: Quantisation, complaint: str) -> None:
    assert complaint in refusal(*LOGITS, rule=rule)


@pytest.mark.parametrize("maximum", [0, 256])
def test_an_activation_maximum_out_of_range_is_refused(maximum: int) -> None:
    layers = [nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 26 * 26, 10)]
    complaint = f"its recipe has activation_maximum {maximum}, not one from 1 to 255"
    assert complaint in refusal(*layers, rule=Quantisation(8, maximum))


def test_an_average_pool_of_pixels_cannot_have_an_input_shift() -> None:
    layers = [nn.AvgPool2d(2), nn.Flatten(), nn.Linear(196, 10)]
    complaint = "layer 0 (AvgPool2d): it takes pixels unchanged, so its recipe cannot have an input_shift"
    assert complaint in refusal(*layers, rule=Quantisation(input_shift=1))
