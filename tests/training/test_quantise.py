"""Training in integers: the forward pass is the reference's to the bit, and what is trained in holds."""

import signal
from contextlib import contextmanager

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

from torch import nn  # noqa: E402

from common.errors import UserError  # noqa: E402
from compiler import reference  # noqa: E402
from compiler.kernels.conv3x3_lanes import fits_lanes  # noqa: E402
from compiler.network import IMAGE, Conv2d, Linear, MaxPool2d  # noqa: E402
from data import mnist  # noqa: E402
from training import models, train  # noqa: E402
from training.models import Quantisation  # noqa: E402
from training.quantise import Diverged, quantised  # noqa: E402

pytestmark = pytest.mark.train

EIGHT_BITS = Quantisation()


def unit(channels, outputs, kernel=3, **options):
    """A convolution with batch normalisation that is not the identity, and ReLU."""
    norm = nn.BatchNorm2d(outputs)
    nn.init.uniform_(norm.weight, -1, 1.5)
    nn.init.normal_(norm.bias, 0, 0.3)
    nn.init.uniform_(norm.running_var, 0.05, 0.5)
    return nn.Conv2d(channels, outputs, kernel, **options), norm, nn.ReLU()


def build(name):
    """A small network of each kind, always with the same weights, and its quantisation."""
    torch.manual_seed(4)
    if name == "cnn":
        return models.Cnn(), models.Cnn.recipe.quantisation
    if name == "linear":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), EIGHT_BITS
    if name == "perceptron":
        layers = [nn.Flatten(), nn.Linear(784, 40), nn.BatchNorm1d(40), nn.ReLU(), nn.Linear(40, 10)]
        return nn.Sequential(*layers), Quantisation((4, 2), 200)
    if name == "depthwise":
        layers = [
            *unit(1, 4, stride=2),
            *unit(4, 8, groups=4, padding=1),
            *unit(8, 12, 1),
            nn.MaxPool2d(3, 2),
            nn.Flatten(),
            nn.Linear(12 * 36, 10, bias=False),
        ]
        return nn.Sequential(*layers), Quantisation((8, 8, 4, 8), (127, 31, 15), input_shift=2)
    pools = [
        nn.MaxPool2d(2),
        *unit(1, 6, 4, padding=2),
        nn.AvgPool2d(3, 2),
        *unit(6, 8),
        nn.AvgPool2d(5),
        nn.Flatten(),
        nn.Linear(8, 10),
    ]
    return nn.Sequential(*pools), Quantisation(8, 255)


def images(count):
    return train.as_input(mnist.load_test_set().images[:count])


@pytest.mark.parametrize("name", ["cnn", "linear", "perceptron", "depthwise", "pools"])
def test_the_forward_pass_is_the_references_before_and_after_training(name: str) -> None:
    float_network, rule = build(name)
    pictures = images(80)
    network = quantised(float_network.eval(), "equal", rule, pictures)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    labels = torch.from_numpy(mnist.load_test_set().labels[:80].astype(np.int64))
    losses = []
    for _ in range(4):
        with torch.no_grad():
            logits, step = network.logits(pictures)
        model = network.model("equal")
        expected = reference.run(model, mnist.load_test_set().images[:80])
        np.testing.assert_array_equal(logits.numpy().astype(np.int64), expected)
        assert float(step) == model.logit_scale
        assert expected.std() > 0
        loss = nn.functional.cross_entropy(network(pictures), labels)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
        optimizer.step()
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", ["linear", "depthwise", "pools"])
def test_eight_bits_stay_close_to_the_float_network(name: str) -> None:
    float_network, rule = build(name)
    float_network.eval()
    network = quantised(float_network, "close", Quantisation(8, 255, rule.input_shift // 2), images(200))
    with torch.no_grad():
        expected, got = float_network(images(200)), network(images(200))
    assert (got - expected).abs().max() < 0.05 * expected.abs().max()


def test_lanes_hold_whatever_the_weights() -> None:
    """Weights all of one sign and large biases are the worst that a sum can meet."""
    torch.manual_seed(1)
    layers = [nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 5), nn.ReLU()]
    float_network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * 22 * 22, 10))
    for module in float_network:
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.uniform_(module.weight, 0.5, 1)
            nn.init.uniform_(module.bias, -50, 50)
    rule = Quantisation(8, 127, input_shift=1, lanes=True)
    network = quantised(float_network, "lanes", rule, images(50))
    model = network.model("lanes")
    sources = [IMAGE, *model.tensors[:-1]]
    assert all(fits_lanes(layer, source) for layer, source in zip(model.layers, sources, strict=True))
    assert not all(
        fits_lanes(layer, source)
        for layer, source in zip(
            quantised(float_network, "wide", EIGHT_BITS, images(50)).model("wide").layers,
            sources,
            strict=True,
        )
    )
    assert all(np.abs(layer.weights).max() > 0 for layer in model.layers[:2])


def test_pooling_behind_a_convolution_is_a_layer_of_its_own_in_the_model() -> None:
    float_network, rule = build("cnn")
    kinds = [type(layer) for layer in quantised(float_network, "cnn", rule).model("cnn").layers]
    assert kinds == [Conv2d, MaxPool2d, Conv2d, MaxPool2d, Conv2d, Conv2d, Linear]


def test_outputs_without_any_weight_do_no_harm() -> None:
    float_network, rule = build("depthwise")
    for module in float_network:
        if isinstance(module, nn.Conv2d):
            nn.init.zeros_(module.weight[0])
    pictures = images(100)
    network = quantised(float_network.eval(), "dead", rule, pictures)
    np.testing.assert_array_equal(
        network.logits(pictures)[0].detach().numpy(),
        reference.run(network.model("dead"), mnist.load_test_set().images[:100]),
    )


@contextmanager
def time_limit(seconds):
    """Ends an endless loop in Python with an AssertionError."""

    def fail(*_) -> None:
        raise AssertionError(f"still running after {seconds} seconds")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


_NAN = float("nan")


@pytest.mark.parametrize("lanes", [True, False])
@pytest.mark.parametrize(
    ("parameter", "value"),
    [("weight", _NAN), ("bias", _NAN), ("log_scale", _NAN), ("log_scale", -1e5), ("log_scale", 1e5)],
)
@pytest.mark.parametrize("use", ["forward", "calibrate"])
def test_diverged_parameters_end_in_one_sentence(lanes: bool, parameter: str, value, use: str) -> None:
    layers = [nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3), nn.ReLU(), nn.Flatten()]
    float_network = nn.Sequential(*layers, nn.Linear(2 * 24 * 24, 10))
    network = quantised(float_network, "diverged", Quantisation(lanes=lanes), images(5))
    with torch.no_grad():
        getattr(network.stages[0], parameter).fill_(value)
    sentence = r"^Training diverged: lower the learning rate in the model's recipe\.$"
    with time_limit(10), pytest.raises(Diverged, match=sentence):
        getattr(network, use)(images(5))


def test_a_layer_without_positive_outputs_can_be_calibrated() -> None:
    layers = [nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 26 * 26, 10)]
    with torch.no_grad():
        layers[0].weight.fill_(-1)
        layers[0].bias.fill_(-1)
    network = quantised(nn.Sequential(*layers), "dead", EIGHT_BITS, images(5))
    expected = reference.run(network.model("dead"), mnist.load_test_set().images[:5])
    assert network.logits(images(5))[0].tolist() == expected.tolist()


def refusal(*layers, rule=EIGHT_BITS):
    with pytest.raises(UserError) as caught:
        quantised(nn.Sequential(*layers), "odd", rule).model("odd")
    return str(caught.value)


LOGITS = (nn.Flatten(), nn.Linear(784, 10))


@pytest.mark.parametrize(
    ("layers", "complaint"),
    [
        (
            [*LOGITS, nn.Softmax(dim=1)],
            "layer 2 (Softmax) is not supported, only Conv2d, Linear, BatchNorm1d",
        ),
        ([nn.Linear(784, 10)], "layer 0 (Linear) is on the wrong side of a Flatten"),
        ([nn.Flatten(), nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Linear(2, 10)], "layer 1 (Conv2d) is on the wrong"),
        ([nn.Flatten()], "it has no layer with weights"),
        ([nn.Flatten(), nn.Linear(784, 11)], "the last layer does not give 10 logits"),
        ([nn.Flatten(), nn.Linear(100, 10)], "layer 1 (Linear): it has 100 inputs, and gets 784 values"),
        ([nn.Flatten(), nn.Linear(784, 10), nn.ReLU()], "layer 1 (Linear) needs a ReLU"),
        ([nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(1352, 10)], "layer 0 (Conv2d) needs a ReLU behind it"),
        ([nn.ReLU(), *LOGITS], "layer 0 (ReLU) does not follow a layer with weights"),
        ([nn.Conv2d(2, 3, 3), nn.ReLU(), *LOGITS], "layer 0 (Conv2d): it takes pictures of 2 channels"),
        ([nn.Conv2d(1, 2, 29), nn.ReLU(), *LOGITS], "layer 0 (Conv2d): its window of 29x29 is larger than"),
        ([nn.Conv2d(1, 2, 3, dilation=2), nn.ReLU(), *LOGITS], "layer 0 (Conv2d) has dilation"),
        ([nn.Conv2d(1, 2, 3, (1, 2)), nn.ReLU(), *LOGITS], "layer 0 (Conv2d) needs one stride"),
        ([nn.Conv2d(1, 2, 3, padding="same"), nn.ReLU(), *LOGITS], "layer 0 (Conv2d) needs one stride"),
        ([nn.MaxPool2d(3, padding=1), *LOGITS], "layer 0 (MaxPool2d) is supported with one number"),
        ([nn.AvgPool2d((2, 2)), *LOGITS], "layer 0 (AvgPool2d) is supported with one number"),
        ([nn.Flatten(0), nn.Linear(784, 10)], "layer 0 (Flatten) is supported for all but"),
        ([nn.MaxPool2d(30), *LOGITS], "layer 0 (MaxPool2d): its window is 30, not 1 to 28"),
        ([nn.AvgPool2d(30), *LOGITS], "layer 0 (AvgPool2d): its window is 30, not 1 to 28"),
        ([nn.Conv2d(1, 2, 1, padding=1), nn.ReLU(), *LOGITS], "layer 0 (Conv2d): its padding is 1, not 0"),
        ([nn.Conv2d(1, 2, 3, 30), nn.ReLU(), *LOGITS], "layer 0 (Conv2d): its stride is 30, not 1 to 28"),
        *(
            (
                [nn.Conv2d(1, 2, 3), norm, nn.ReLU(), *LOGITS],
                "layer 0 (Conv2d) can have only a BatchNorm2d(2)",
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
def test_what_the_chip_cannot_compute_is_named(layers, complaint: str) -> None:
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
    ],
)
def test_a_quantisation_that_does_not_suit_is_named(rule, complaint: str) -> None:
    assert complaint in refusal(*LOGITS, rule=rule)


@pytest.mark.parametrize("maximum", [0, 256])
def test_a_largest_activation_that_does_not_suit_is_named(maximum: int) -> None:
    layers = [nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 26 * 26, 10)]
    complaint = f"its recipe has activation_maximum {maximum}, not one from 1 to 255"
    assert complaint in refusal(*layers, rule=Quantisation(8, maximum))


def test_an_average_pool_of_pixels_takes_them_as_they_are() -> None:
    layers = [nn.AvgPool2d(2), nn.Flatten(), nn.Linear(196, 10)]
    assert "its recipe can have no input_shift" in refusal(*layers, rule=Quantisation(input_shift=1))


def test_a_diverged_network_is_refused() -> None:
    layer = nn.Linear(784, 10)
    nn.init.constant_(layer.weight, float("nan"))
    assert "training diverged, lower its learning rate" in refusal(nn.Flatten(), layer)
