"""The training loop: float epochs first, then epochs in integers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from compiler.network import Model
from data import mnist
from data.examples import Examples, Interface
from training.augmentation import pipeline, pose
from training.errors import Diverged
from training.images.tensors import PIXEL_SCALE, as_input, as_labels
from training.loop.average import Average
from training.loop.checkpoint import EpochRecord, Progress, best_epoch
from training.loop.optimizer import adamw, learning_rate, set_learning_rate
from training.quantise.network import QuantisedNetwork, quantised
from training.recipe import Phase, Recipe

CALIBRATION = 2_000  # the training images from which the scales of the activations are computed

_BATCH = 500  # images that are judged together
_AUGMENTED_BATCHES = 8  # batches that are augmented together, which takes half the time of one by one
_CALIBRATION_SEED = 78


class Trainer:
    """Trains one network and keeps its best epoch. One seed gives the same bits on the same machine.

    network: what is trained: the float network, then the QuantisedNetwork made of its average.
    average: the running average of `network`. This is judged and kept, always in integers.
    float_average: the average of the float network; it no longer changes in the integer phase.
    best: the integer network of the best epoch, or None before the first.
    """

    def __init__(
        self,
        name: str,
        network: nn.Sequential,
        recipe: Recipe,
        training: Examples,
        held_out: Examples,
        interface: Interface = mnist.INTERFACE,
    ) -> None:
        """network: the initial float network, on the device to train on."""
        self.name, self.recipe = name, recipe
        self.device = next(network.parameters()).device
        self.images = as_input(training.images).to(self.device)
        self.labels = as_labels(training.labels).to(self.device)
        self.held_out, self.interface = held_out, interface
        self._judged = [as_input(held_out.images)]
        if recipe.augmentation.corrupted:
            self._judged.append(pipeline.corrupted_copy(self._judged[0], recipe.augmentation))
        self.history: list[EpochRecord] = []
        self.best: Model | None = None
        self._begin(network, recipe.float_phase)

    def run(self, save: Callable[[Progress], None]) -> None:
        """Train the remaining epochs and call `save` after each. Raises Diverged."""
        steps = self.recipe.all_epochs * self.steps_per_epoch
        done = len(self.history) * self.steps_per_epoch
        # Without a terminal there is no bar.
        with tqdm(total=steps, initial=done, desc=self.name, unit="step", disable=None) as bar:

            def show(loss: float) -> None:
                bar.set_postfix_str(self._status(loss), refresh=False)
                bar.update()

            for epoch in range(len(self.history), self.recipe.all_epochs):
                if epoch == self.recipe.epochs:
                    self._begin_integers()
                self.train_epoch(epoch, show)
                save(self.progress())
                bar.set_postfix_str(self._status(self.history[-1].loss))

    def train_epoch(self, epoch: int, on_step: Callable[[float], None]) -> None:
        """Train on each image once, in random order, and judge the result. epoch: counted from 0."""
        # The epoch's random numbers follow from the seed and its number, so a resumed run repeats them.
        rng = torch.Generator().manual_seed(self.recipe.seed * 10_007 + epoch)
        order = torch.randperm(len(self.labels), generator=rng)
        first_step = (epoch - self.phase.first_epoch) * self.steps_per_epoch
        self.network.train()
        losses = []
        try:
            for step, (batch, images) in enumerate(self._batches(order, rng), start=first_step):
                losses.append(self.train_step(step, images, self.labels[batch]))
                on_step(losses[-1])
            self.end_epoch(float(np.mean(losses)))
        except Diverged:
            step = min(len(losses) + 1, self.steps_per_epoch)
            raise Diverged(f" in epoch {epoch + 1}, step {step}") from None

    def _batches(self, order: Tensor, rng: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """The indices of each batch, in this order of all images, and its augmented images."""
        augmentation, size = self.recipe.augmentation, self.recipe.batch_size
        maps = pose.draw_maps(len(order), augmentation, rng, self.interface.shape[1:])
        for indices in order.split(size * _AUGMENTED_BATCHES):
            chosen = None if maps is None else maps[indices]
            images = pipeline.augmented(self.images[indices], chosen, augmentation, rng)
            yield from zip(indices.split(size), images.split(size), strict=True)

    def train_step(self, step: int, images: Tensor, labels: Tensor) -> float:
        """Change the weights once and return the loss before that. step: counted from 0 in the phase."""
        steps = self.phase.epochs * self.steps_per_epoch
        rate = learning_rate(step, steps, self.phase.learning_rate, self.recipe.warmup_steps)
        set_learning_rate(self.optimizer, rate)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._is_in_bfloat16):
            logits = self.network(images)
        loss = self.loss(logits.float(), labels)
        if not math.isfinite(loss.item()):
            raise Diverged
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.average.update(self.network, step)
        return loss.item()

    def end_epoch(self, loss: float) -> None:
        """Judge the average on the held-out images and keep it if it is the best. loss: in training."""
        if not all(parameter.isfinite().all() for parameter in self.network.parameters()):
            raise Diverged
        network = self.average_in_integers()
        held_out_loss, accuracy = self.judge(network)
        if not math.isfinite(held_out_loss):
            raise Diverged
        self.history.append(EpochRecord(loss, held_out_loss, accuracy))
        if best_epoch(self.history) == len(self.history):
            self.best = network.model(self.name, self.interface)

    @torch.no_grad()
    def judge(self, network: QuantisedNetwork) -> tuple[float, float]:
        """The loss, computed as in training, and the accuracy, 0 to 1, on the held-out images.

        If the recipe corrupts images, the loss is the mean of that on the held-out images as they are and
        that on the same images, all of them corrupted.
        """
        labels = as_labels(self.held_out.labels)
        losses, accuracies = [], []
        for images in self._judged:
            parts = [network.logits(batch.to(self.device)) for batch in images.split(_BATCH)]
            logits, scale = torch.cat([values for values, _ in parts]).cpu(), parts[0][1].cpu()
            # In integers, so that equal logits are equal here too.
            accuracies.append((logits.argmax(dim=1) == labels).double().mean().item())
            losses.append(self.loss((logits * scale).float(), labels).item())
        return float(np.mean(losses)), accuracies[0]

    def corrupted_held_out(self) -> Examples:
        """The held-out images, all of them corrupted, as the chip gets them."""
        pixels = (self._judged[1] / PIXEL_SCALE).round().to(torch.uint8)
        return Examples(pixels.numpy(), self.held_out.labels)

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of real logits with the recipe's label smoothing."""
        return nn.functional.cross_entropy(logits, labels, label_smoothing=self.recipe.label_smoothing)

    def average_in_integers(self) -> QuantisedNetwork:
        """The average, quantised if it is in float."""
        average = self.average.network
        return average if isinstance(average, QuantisedNetwork) else self.quantised_float()

    def quantised_float(self) -> QuantisedNetwork:
        """The float network in integers, calibrated on training images, corrupted as the recipe says."""
        calibration = self.images[:CALIBRATION]
        if self.recipe.augmentation.corrupted:
            calibration = pipeline.augmented_once(calibration, self.recipe.augmentation, _CALIBRATION_SEED)
        return quantised(self.float_average, self.name, self.recipe.quantisation, calibration)

    def progress(self) -> Progress:
        """The state after the latest epoch."""
        assert self.best is not None
        return Progress(
            self.network.state_dict(),
            self.average.network.state_dict(),
            self.optimizer.state_dict(),
            self.float_average.state_dict(),
            tuple(self.history),
            self.best,
        )

    def resume(self, saved: Progress) -> None:
        """Continue from a saved state, to the same bits as without an interruption."""
        if len(saved.history) > self.recipe.epochs:
            self.float_average.load_state_dict(saved.float_average)
            network = quantised(self.float_average, self.name, self.recipe.quantisation)
            self._begin(network, self.recipe.integer_phase)
        self.network.load_state_dict(saved.network)
        self.average.network.load_state_dict(saved.average)
        self.optimizer.load_state_dict(dict(saved.optimizer))
        self.history, self.best = list(saved.history), saved.best

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches."""
        return math.ceil(len(self.labels) / self.recipe.batch_size)

    @property
    def _is_in_bfloat16(self) -> bool:
        return self.recipe.bfloat16 and isinstance(self.network, nn.Sequential)

    def _begin(self, network: nn.Sequential | QuantisedNetwork, phase: Phase) -> None:
        # On a CPU, convolutions of few channels take half the time if channels are the innermost dimension.
        self.network = network.to(memory_format=torch.channels_last)
        self.phase = phase
        self.average = Average(self.network, self.recipe.average)
        self.optimizer = adamw(self.network, phase.weight_decay)
        if isinstance(self.average.network, nn.Sequential):
            self.float_average = self.average.network

    def _begin_integers(self) -> None:
        self._begin(self.quantised_float(), self.recipe.integer_phase)

    def _status(self, loss: float) -> str:
        epochs = self.recipe.all_epochs
        status = f"epoch {min(len(self.history) + 1, epochs)}/{epochs}, loss {loss:.3f}"
        return f"{status}, held-out {self.history[-1].accuracy:.2%}" if self.history else status
