"""The training loop does what the recipe says. Small networks on a few of the committed test images."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

import torch
from torch import Tensor, nn

from compiler import reference
from data import mnist
from data.examples import Examples
from training.errors import Diverged
from training.images.tensors import as_input
from training.loop import trainer as loop
from training.loop.checkpoint import Progress
from training.loop.trainer import Trainer
from training.quantise.network import QuantisedNetwork, quantised
from training.recipe import Augmentation, Quantisation, Recipe

pytestmark = pytest.mark.train

DIGITS = mnist.load_test_set()
TRAINING, HELD_OUT = DIGITS[:60], DIGITS[1000:1100]
BLACK = Examples(np.zeros_like(TRAINING.images), TRAINING.labels)

RECIPE = Recipe(epochs=2, batch_size=20, learning_rate=1e-3, weight_decay=0.0)  # 3 steps in an epoch
WITH_INTEGERS = replace(RECIPE, integer_epochs=2, integer_learning_rate=1e-3)


def linear() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10))


def convolutional() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 4, 5, stride=3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 8 * 8, 10)
    )


def trainer(
    recipe: Recipe,
    network: Callable[[], nn.Sequential] = linear,
    training: Examples = TRAINING,
    held_out: Examples = HELD_OUT,
) -> Trainer:
    return Trainer("small", network(), recipe, training, held_out)


def run(trainer: Trainer) -> list[Progress]:
    """Train all epochs. Returns what was saved after each."""
    saved: list[Progress] = []
    trainer.run(saved.append)
    return saved


def smoothed_cross_entropy(logits: np.ndarray[Any, Any], labels: np.ndarray[Any, Any], share: float) -> float:
    """The definition: a target of 1 - share for the label plus share / 10 for each class."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    logs = np.log(shares / shares.sum(axis=1, keepdims=True))
    right = logs[np.arange(len(labels)), labels]
    return float(-((1 - share) * right + share * logs.mean(axis=1)).mean())


@pytest.mark.parametrize("bfloat16", [True, False])
def test_only_float_steps_multiply_in_bfloat16_and_only_if_the_recipe_says_so(
    bfloat16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = trainer(replace(WITH_INTEGERS, bfloat16=bfloat16))
    loss, rounded = subject.loss, []

    def record(logits: Tensor, labels: Tensor) -> Tensor:
        rounded.append(torch.equal(logits, logits.bfloat16().float()))
        return loss(logits, labels)

    monkeypatch.setattr(subject, "loss", record)
    run(subject)
    # In each of four epochs: three steps, then the held-out images.
    float_epoch = [bfloat16, bfloat16, bfloat16, False]
    assert rounded == [*float_epoch, *float_epoch, *[False] * 8]


def test_the_progress_bar_counts_steps_and_shows_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bar:
        def __init__(self, **options: Any) -> None:
            self.options, self.updates = options, 0
            self.texts: list[str] = []
            bars.append(self)

        def __enter__(self) -> Bar:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self) -> None:
            self.updates += 1

        def set_postfix_str(self, text: str, refresh: bool = True) -> None:
            self.texts.append(text)

    bars: list[Bar] = []
    monkeypatch.setattr(loop, "tqdm", Bar)
    subject = trainer(RECIPE)
    with pytest.raises(KeyboardInterrupt):
        subject.run(interrupt_training)
    run(subject)
    first, second = bars
    assert first.options == {"total": 6, "initial": 0, "desc": "small", "unit": "step", "disable": None}
    assert second.options["initial"] == 3 and first.updates == second.updates == 3
    assert re.fullmatch(r"epoch 1/2, loss [\d.]{5}", first.texts[0])
    assert re.fullmatch(r"epoch 2/2, loss [\d.]{5}, held-out [\d.]+%", second.texts[-1])
    assert second.texts[-1].endswith(f"held-out {subject.history[-1].accuracy:.2%}")


def interrupt_training(_: Progress) -> None:
    raise KeyboardInterrupt


def learning_rates(monkeypatch: pytest.MonkeyPatch) -> list[list[float]]:
    """Records the learning rate of each parameter group at each step of AdamW."""
    rates: list[list[float]] = []
    whole = torch.optim.AdamW.step

    def step(self: torch.optim.AdamW) -> None:
        rates.append([group["lr"] for group in self.param_groups])
        whole(self)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    return rates


def test_each_phase_warms_up_and_falls_along_half_a_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = learning_rates(monkeypatch)
    run(trainer(replace(WITH_INTEGERS, learning_rate=0.01, integer_learning_rate=0.002, warmup_steps=2)))
    shape = [
        warmup * (1 + math.cos(math.pi * step / 6)) / 2
        for step, warmup in enumerate([1 / 3, 2 / 3, 1, 1, 1, 1])
    ]
    expected = [0.01 * part for part in shape] + [0.002 * part for part in shape]
    assert rates == [pytest.approx([rate, rate]) for rate in expected]


def test_the_loss_smooths_labels_in_training_and_on_held_out_images() -> None:
    subject = trainer(replace(RECIPE, epochs=1, batch_size=60, label_smoothing=0.3))
    with torch.no_grad():
        initial = subject.network(as_input(TRAINING.images)).double().numpy()
    run(subject)
    assert subject.history[0].loss == pytest.approx(smoothed_cross_entropy(initial, TRAINING.labels, 0.3))
    assert subject.best is not None
    logits = reference.run(subject.best, HELD_OUT.images) * subject.best.logit_scale
    expected = smoothed_cross_entropy(logits, HELD_OUT.labels, 0.3)
    assert subject.history[0].held_out_loss == pytest.approx(expected)


def seen_images(recipe: Recipe) -> list[Tensor]:
    """The images (60, 1, 28, 28) of each epoch as the network gets them."""
    network, seen = linear(), []
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    run(trainer(recipe, lambda: network))
    assert len(seen) == 6
    return [torch.cat(seen[:3]), torch.cat(seen[3:])]


def as_set(images: Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


def test_each_epoch_trains_on_each_image_once_in_random_order() -> None:
    originals = as_input(TRAINING.images)
    first, second = seen_images(RECIPE)
    assert as_set(first) == as_set(second) == as_set(originals)
    assert not torch.equal(first, second) and not torch.equal(first, originals)


def test_the_order_of_images_is_that_of_the_committed_models() -> None:
    originals = as_input(TRAINING.images)
    for epoch, images in enumerate(seen_images(replace(RECIPE, seed=3))):
        rng = torch.Generator().manual_seed(3 * 10_007 + epoch)
        assert torch.equal(images, originals[torch.randperm(60, generator=rng)])


def test_each_epoch_augments_images_differently() -> None:
    originals = as_set(as_input(TRAINING.images))
    first, second = (
        as_set(images) for images in seen_images(replace(RECIPE, augmentation=Augmentation(shift=2)))
    )
    assert len(first) == len(second) == 60
    assert first.isdisjoint(originals) and second.isdisjoint(originals) and first.isdisjoint(second)


def test_weights_decay_in_float_and_not_in_integers(monkeypatch: pytest.MonkeyPatch) -> None:
    # Black images give the weights no gradient: only decay can change them.
    rates = learning_rates(monkeypatch)
    recipe = replace(WITH_INTEGERS, learning_rate=0.01, integer_learning_rate=0.01, weight_decay=5.0)
    subject = trainer(recipe, training=BLACK)
    initial = subject.network[1].weight.detach().clone()
    saved = run(subject)
    factor = math.prod(1 - rate * 5.0 for rate, _ in rates[:6])
    assert 0.8 < factor < 0.95
    in_float = saved[1].float_average["1.weight"]
    torch.testing.assert_close(in_float, initial * factor)
    assert isinstance(subject.network, QuantisedNetwork)
    assert torch.equal(dict(subject.network.stages[0].named_parameters())["weight"], in_float)


def test_biases_do_not_decay() -> None:
    with_decay, without = (
        trainer(replace(RECIPE, weight_decay=decay), training=BLACK) for decay in (5.0, 0.0)
    )
    run(with_decay)
    run(without)
    assert torch.equal(with_decay.network.state_dict()["1.bias"], without.network.state_dict()["1.bias"])


@pytest.mark.parametrize("phase", ["float", "integer"])
def test_the_average_is_judged_and_kept(phase: str) -> None:
    recipe = replace(WITH_INTEGERS, average=0.9, learning_rate=0.01, integer_learning_rate=0.01)
    if phase == "float":
        recipe = replace(recipe, integer_epochs=0)
    subject = trainer(recipe)
    run(subject)

    def in_integers(network: nn.Module) -> QuantisedNetwork:
        if isinstance(network, QuantisedNetwork):
            return network
        assert isinstance(network, nn.Sequential)
        return quantised(network.eval(), "small", recipe.quantisation, as_input(TRAINING.images))

    average, raw = in_integers(subject.average.network), in_integers(subject.network)
    last = subject.history[-1]
    assert (last.held_out_loss, last.accuracy) == subject.judge(average)
    assert last.held_out_loss != subject.judge(raw)[0]
    assert subject.best is not None and subject.history[-1] == min(
        subject.history, key=lambda r: r.held_out_loss
    )
    assert subject.best.checksum == average.model("small").checksum != raw.model("small").checksum


def test_the_network_of_the_best_epoch_is_kept() -> None:
    # Wrong labels: each epoch makes the loss on held-out images larger.
    wrong = Examples(TRAINING.images, (TRAINING.labels + 1) % 10)
    subject = trainer(replace(RECIPE, epochs=3, learning_rate=0.01), training=wrong)
    saved = run(subject)
    losses = [record.held_out_loss for record in subject.history]
    assert losses == sorted(losses) and losses[0] < losses[1]
    assert {progress.best.checksum for progress in saved} == {saved[0].best.checksum}
    assert subject.best is not None and subject.best.checksum == saved[0].best.checksum


def test_the_network_of_a_later_epoch_is_kept_if_it_is_better() -> None:
    saved = run(trainer(replace(RECIPE, learning_rate=0.01)))
    assert saved[1].history[1].held_out_loss < saved[1].history[0].held_out_loss
    assert saved[1].best.checksum != saved[0].best.checksum


def test_activations_are_calibrated_when_judged_and_when_integers_begin() -> None:
    def small_activations() -> nn.Sequential:
        network = convolutional()
        parameters = dict(network.named_parameters())
        nn.init.constant_(parameters["1.weight"], 0.02)
        nn.init.normal_(parameters["4.weight"], std=100)
        return network

    recipe = replace(WITH_INTEGERS, integer_epochs=1, integer_learning_rate=0.0)
    subject = trainer(recipe, small_activations)
    run(subject)
    _, in_float, in_integers = subject.history
    with torch.no_grad():
        logits = subject.float_average(as_input(HELD_OUT.images)).numpy()
    float_loss = smoothed_cross_entropy(logits, HELD_OUT.labels, 0.0)
    assert in_float.held_out_loss == pytest.approx(float_loss, rel=0.01)
    # With a learning rate of 0 the integer network is the one judged before.
    assert in_integers.held_out_loss == in_float.held_out_loss
    # Without calibration all activations are rounded to 0.
    uncalibrated = quantised(subject.float_average, "small", recipe.quantisation)
    assert subject.judge(uncalibrated)[0] != pytest.approx(float_loss, rel=0.1)


def test_accuracy_is_the_share_of_held_out_images_that_the_reference_recognises() -> None:
    subject = trainer(replace(RECIPE, learning_rate=0.01))
    run(subject)
    assert subject.best is not None
    expected = reference.accuracy(subject.best, HELD_OUT)
    assert expected > 0.3 and subject.history[-1].accuracy == pytest.approx(expected)


def test_a_recipe_that_corrupts_images_is_judged_on_clean_and_on_corrupted_ones() -> None:
    recipe = replace(RECIPE, learning_rate=0.01, augmentation=Augmentation(corrupted=0.5))
    subject = trainer(recipe)
    run(subject)
    assert subject.best is not None
    corrupted = subject.corrupted_held_out()
    assert (corrupted.images != HELD_OUT.images).any(axis=(1, 2, 3)).mean() > 0.95
    losses = [
        smoothed_cross_entropy(
            reference.run(subject.best, examples.images) * subject.best.logit_scale, examples.labels, 0.0
        )
        for examples in (HELD_OUT, corrupted)
    ]
    last = subject.history[-1]
    assert last.held_out_loss == pytest.approx(float(np.mean(losses)), rel=1e-4)
    assert last.accuracy == pytest.approx(reference.accuracy(subject.best, HELD_OUT))


def test_activations_are_calibrated_on_corrupted_images_if_the_recipe_corrupts_some() -> None:
    def output_scale(share: float) -> float:
        recipe = replace(WITH_INTEGERS, augmentation=Augmentation(corrupted=share, parts=("paper",)))
        network = trainer(recipe, convolutional).quantised_float()
        return network.stages[0].log_output_scale.item()

    assert output_scale(1.0) != output_scale(0.0)


def test_training_in_integers_makes_the_loss_smaller() -> None:
    rule = Quantisation(2, 3, input_shift=5)
    recipe = replace(
        WITH_INTEGERS, epochs=4, integer_epochs=6, learning_rate=0.01, integer_learning_rate=0.01
    )
    subject = trainer(replace(recipe, quantisation=rule), convolutional)
    run(subject)
    assert subject.history[-1].loss < 0.9 * subject.history[4].loss


def test_the_training_loss_of_an_epoch_is_the_mean_of_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([1.0, 2.0, 6.0])
    monkeypatch.setattr(Trainer, "train_step", lambda *_: next(losses))
    subject = trainer(replace(RECIPE, epochs=1))
    run(subject)
    assert subject.history[0].loss == 3


class TestDivergence:
    """One sentence at the first step that shows it."""

    def test_a_loss_that_is_not_finite(self) -> None:
        # Each step multiplies the weights by 1 - 10 * 1000.
        recipe = replace(RECIPE, epochs=20, learning_rate=10, weight_decay=1000)
        with pytest.raises(
            Diverged, match=r"^Training diverged in epoch [3-5], step [123]: lower the learning rate"
        ):
            run(trainer(recipe))

    @pytest.mark.parametrize("value", [math.nan, math.inf])
    @pytest.mark.parametrize("lanes", [True, False])
    @pytest.mark.parametrize(("after", "reported"), [(0, 2), (1, 3), (2, 3)])
    def test_weights_that_are_not_finite_after_a_step(
        self, value: float, lanes: bool, after: int, reported: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        subject = trainer(replace(RECIPE, quantisation=Quantisation(lanes=lanes)), convolutional)
        whole = subject.train_step

        def train_step(step: int, images: Tensor, labels: Tensor) -> float:
            loss = whole(step, images, labels)
            if step == after:
                with torch.no_grad():
                    subject.network[0].weight[0] = value
            return loss

        monkeypatch.setattr(subject, "train_step", train_step)
        with pytest.raises(Diverged, match=rf"^Training diverged in epoch 1, step {reported}: "):
            run(subject)
        assert subject.history == []

    def test_a_held_out_loss_that_is_not_finite(self) -> None:
        # On black images the loss in training stays finite.
        subject = trainer(RECIPE, training=BLACK)
        with torch.no_grad():
            dict(subject.network.named_parameters())["1.weight"].mul_(1e38).mul_(50)
        with pytest.raises(Diverged, match=r"^Training diverged in epoch 1, step 3: "):
            run(subject)
        assert subject.history == []
