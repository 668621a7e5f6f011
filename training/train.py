"""Trains a model by its name and writes its model file."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from common.errors import UserError
from common.paths import MODELS, RUNS, shown
from compiler import model_file, reference, resources
from compiler.network import Model
from data import mnist
from data.mnist import Digits
from training import checkpoint, curve, models
from training.augment import augmented, draw_maps
from training.average import Average
from training.checkpoint import EpochRecord, Progress
from training.data import load_training_set
from training.models import Recipe
from training.quantise import PIXEL_STEP, QuantisedNetwork, quantised

HELD_OUT = 5_000  # of the 60,000, never trained on: they choose the epoch
CALIBRATION = 2_000  # of the others: what the first steps of the activations are fitted to


@dataclass(frozen=True)
class TrainResult:
    """How a run ended. Accuracies are shares, 0 to 1; those of the test set exist once it has finished.

    output: the model file, of the best epoch; None where a run was stopped in its first epoch.
    """

    name: str
    finished: bool
    epochs: int
    epochs_wanted: int
    output: Path | None = None
    curve: Path | None = None
    best_epoch: int | None = None
    validation_accuracy: float | None = None
    test_accuracy: float | None = None
    float_test_accuracy: float | None = None

    def __str__(self) -> str:
        if self.output is None or self.curve is None:
            return f"Stopped before the first epoch of {self.name} ended: nothing is saved yet."
        chosen = f"epoch {self.best_epoch}, {self.validation_accuracy:.2%} of the held-out images"
        if not self.finished:
            return (
                f"Stopped after epoch {self.epochs} of {self.epochs_wanted}; the best so far ({chosen}) is "
                f"{shown(self.output)}, and the same command goes on from here."
            )
        return (
            f"{self.name} recognises {self.test_accuracy:.2%} of the test images in integers "
            f"({self.float_test_accuracy:.2%} in float); chosen was {chosen}. "
            f"The model is {shown(self.output)}, its curve {shown(self.curve)}."
        )


def train(
    name: str = "linear",
    seed: int | None = None,
    epochs: int | None = None,
    limit: int | None = None,
    output: Path | None = None,
    fresh: bool = False,
    work: Path | None = None,
) -> TrainResult:
    """Trains a model of models.py, or goes on where an unfinished run of the same settings stopped.

    seed, epochs: instead of the recipe's. limit: how many images to train on, all by default; a limited
    run is a trial and does not replace models/NAME.npz unless `output` says so. fresh: forget an unfinished
    run. work: the folder of the unfinished run and the curve, build/training/NAME by default.
    Ctrl-C ends it between two steps; the result says what was kept.
    Errors: UserError.
    """
    network_class = models.find(name)
    recipe = _recipe(network_class.recipe, seed, epochs)
    work = work or RUNS / name
    output = output or (MODELS / f"{name}.npz" if limit is None else work / "trial.npz")
    return _Run(name, network_class, recipe, limit, output, work).train(fresh)


def is_of_today(model: Model, name: str, seed: int) -> bool:
    """Whether a model file is what train() of this name and seed makes, by its layers and its recipe."""
    network_class = models.find(name)
    recipe = replace(network_class.recipe, seed=seed)
    made_of = {"recipe": _as_json(recipe), "architecture": str(network_class())}
    return all(model.metadata.get(key) == value for key, value in made_of.items())


class _Run:
    """One training run: its images, its network and how far it has come.

    `network` is in training, at first in float and then as a QuantisedNetwork; what is judged and kept is
    its running average, in integers from the first epoch on.
    """

    def __init__(
        self,
        name: str,
        network_class: type[models.Network],
        recipe: Recipe,
        limit: int | None,
        output: Path,
        work: Path,
    ) -> None:
        self.device = _device()
        torch.manual_seed(recipe.seed)
        self.name, self.recipe, self.output = name, recipe, output
        self.in_float = network_class().to(self.device)
        self.architecture = str(self.in_float)
        resources.check_fits(self.quantised(None).model(name))  # before, not after, the time is spent
        self.training, self.held_out = split(load_training_set(), limit)
        self.images = as_input(self.training.images).to(self.device)
        self.labels = torch.from_numpy(self.training.labels.astype(np.int64)).to(self.device)
        self.history: list[EpochRecord] = []
        self.prepare(self.in_float, recipe.weight_decay)
        self.checkpoint = work / "checkpoint.pt"
        self.best_file = work / "best.npz"
        self.curve_file = work / "curve.png"

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that decides the result."""
        return {
            "model": self.name,
            "architecture": self.architecture,
            **_as_json(self.recipe),
            "training images": len(self.training),
            "held-out images": len(self.held_out),
            "torch": torch.__version__,
            "device": self.device.type,
            "threads": torch.get_num_threads(),  # sums are split among them
        }

    @property
    def epochs_done(self) -> int:
        return len(self.history)

    @property
    def best_epoch(self) -> int:
        return checkpoint.best_epoch(self.history)

    def train(self, fresh: bool) -> TrainResult:
        if fresh:
            self.forget()
        self.resume()
        try:
            self.epochs()
            result = self.finish()
        except KeyboardInterrupt:
            result = self.result(finished=False, output=self.best_file)
        return result

    def prepare(self, network: nn.Module, weight_decay: float = 0.0) -> None:
        """Makes this the network in training, with an average and an optimizer of its own.

        In integers weights do not decay: no batch normalisation is left to make up for smaller ones.
        """
        # With channels innermost, convolutions of few channels take half the time on a CPU.
        self.network = network.to(memory_format=torch.channels_last)
        self.average = Average(network, self.recipe.average)
        parameters = list(network.parameters())
        self.optimizer = torch.optim.AdamW(
            [
                {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
                {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
            ],
            self.recipe.learning_rate,
        )

    def quantised(self, images: torch.Tensor | None) -> QuantisedNetwork:
        """The float network in integers. images: what its activations are calibrated on."""
        return quantised(self.in_float, self.name, self.recipe.quantisation, images)

    def begin_integers(self) -> None:
        """Goes on from the float network's average, in integers."""
        self.in_float = self.average.network
        self.prepare(self.quantised(self.images[:CALIBRATION]))

    def resume(self) -> None:
        saved = checkpoint.load(self.checkpoint, self.settings)
        if saved is None:
            return
        if len(saved.history) > self.recipe.epochs:
            self.in_float.load_state_dict(saved.in_float)
            self.prepare(self.quantised(None))
        else:
            self.in_float = self.average.network
        self.network.load_state_dict(saved.network)
        self.average.network.load_state_dict(saved.average)
        self.optimizer.load_state_dict(saved.optimizer)
        self.history = saved.history

    def epochs(self) -> None:
        """Trains the epochs that are missing, and saves the state after each."""
        steps = math.ceil(len(self.training) / self.recipe.batch_size)
        with tqdm(
            total=self.recipe.all_epochs * steps,
            initial=self.epochs_done * steps,
            desc=self.name,
            unit="step",
            disable=None,  # no bar in a log file
        ) as bar:
            for epoch in range(self.epochs_done, self.recipe.all_epochs):
                if epoch == self.recipe.epochs:
                    self.begin_integers()
                self.network.train()
                losses = []
                for loss in self.epoch(epoch, steps):
                    losses.append(loss)
                    bar.set_postfix_str(self.standing(loss), refresh=False)
                    bar.update()
                self.end_of_epoch(float(np.mean(losses)))
                bar.set_postfix_str(self.standing(losses[-1]))

    def epoch(self, epoch: int, steps: int) -> Iterator[float]:
        """One pass over the training images in random order; yields each step's loss."""
        # All that is random in an epoch follows from the seed and its number, so a resumed run needs no more.
        chance = torch.Generator().manual_seed(self.recipe.seed * 10_007 + epoch)
        order = torch.randperm(len(self.training), generator=chance)
        maps = draw_maps(len(self.training), self.recipe.augmentation, chance)
        in_float = epoch < self.recipe.epochs
        highest = self.recipe.learning_rate if in_float else self.recipe.integer_learning_rate
        all_steps = steps * (self.recipe.epochs if in_float else self.recipe.integer_epochs)
        steps_before = steps * (epoch if in_float else epoch - self.recipe.epochs)
        for step, batch in enumerate(order.split(self.recipe.batch_size), start=steps_before):
            ramp = min(1.0, (step + 1) / (self.recipe.warmup_steps + 1))
            for group in self.optimizer.param_groups:
                group["lr"] = highest * ramp * (1 + math.cos(math.pi * step / all_steps)) / 2
            images = self.images[batch] if maps is None else augmented(self.images[batch], maps[batch])
            loss = self.loss(self.network(images), self.labels[batch])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.average.update(self.network, step)
            yield loss.item()

    def end_of_epoch(self, loss: float) -> None:
        """Judges the average by its integers on the held-out images, and saves the best and the state."""
        network = self.average.network
        if self.epochs_done < self.recipe.epochs:
            self.in_float = network
            network = self.quantised(self.images[:CALIBRATION])
        record = EpochRecord(loss, *self.judge(network))
        history = [*self.history, record]
        if checkpoint.best_epoch(history) == len(history):
            metadata = self.metadata(history, {"validation, integer": record.accuracy})
            model_file.save(network.model(self.name, metadata), self.best_file)
        progress = Progress(
            self.network.state_dict(),
            self.average.network.state_dict(),
            self.optimizer.state_dict(),
            self.in_float.state_dict(),
            history,
        )
        checkpoint.save(self.checkpoint, self.settings, progress)
        self.history = history

    @torch.no_grad()
    def judge(self, network: QuantisedNetwork) -> tuple[float, float]:
        """Loss, as in training, and accuracy on the held-out images."""
        batches = as_input(self.held_out.images).split(500)
        parts = [network.logits(batch.to(self.device)) for batch in batches]
        logits = torch.cat([counts for counts, _ in parts]).cpu()  # whole numbers: ties are the chip's
        labels = torch.from_numpy(self.held_out.labels.astype(np.int64))
        accuracy = (logits.argmax(dim=1) == labels).double().mean()
        return self.loss((logits * parts[0][1].cpu()).float(), labels).item(), accuracy.item()

    def loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(logits, labels, label_smoothing=self.recipe.label_smoothing)

    def finish(self) -> TrainResult:
        """Measures the best epoch on the test set, once, and writes the model file.

        Beside it, for comparison, the float network, and that one in integers without training in them.
        """
        best = model_file.load(self.best_file)
        rounded = self.quantised(self.images[:CALIBRATION]).model(self.name)
        accuracies: dict[str, float] = {}
        for part, digits in (("validation", self.held_out), ("test", mnist.load_test_set())):
            accuracies |= {
                f"{part}, integer": reference.accuracy(best, digits),
                f"{part}, float": _accuracy(self.in_float.eval(), digits, self.device),
            }
            if self.recipe.integer_epochs:
                accuracies[f"{part}, rounded float"] = reference.accuracy(rounded, digits)
        model = replace(best, metadata=self.metadata(self.history, accuracies))
        model_file.save(model, self.output)
        result = replace(
            self.result(finished=True, output=self.output),
            test_accuracy=accuracies["test, integer"],
            float_test_accuracy=accuracies["test, float"],
        )
        self.forget()
        return result

    def forget(self) -> None:
        """Removes what an unfinished run left."""
        self.checkpoint.unlink(missing_ok=True)
        self.best_file.unlink(missing_ok=True)

    def metadata(self, history: Sequence[EpochRecord], accuracies: Mapping[str, float]) -> dict[str, Any]:
        """What the model file tells about its making. No time of day: a run repeated gives the same bytes."""
        return {
            "accuracy": dict(accuracies),
            "best epoch": checkpoint.best_epoch(history),
            "held-out loss": min(record.held_out_loss for record in history),
            "epochs": len(history),
            "recipe": _as_json(self.recipe),
            "architecture": self.architecture,
            "training images": len(self.training),
            "held-out images": len(self.held_out),
            "data SHA-256": {file.name: file.sha256 for file in mnist.FILES},
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
        }

    def result(self, finished: bool, output: Path) -> TrainResult:
        """The result so far, and the curve's picture."""
        so_far = TrainResult(self.name, finished, self.epochs_done, self.recipe.all_epochs)
        if not self.epochs_done:
            return so_far
        best = self.best_epoch
        title = f"{self.name}, seed {self.recipe.seed}"
        curve.draw(self.history, best, self.recipe.epochs, title, self.curve_file)
        return replace(
            so_far,
            output=output,
            curve=self.curve_file,
            best_epoch=best,
            validation_accuracy=self.history[best - 1].accuracy,
        )

    def standing(self, loss: float) -> str:
        """What the progress bar tells beside the steps."""
        all_epochs = self.recipe.all_epochs
        epoch = f"epoch {min(self.epochs_done + 1, all_epochs)}/{all_epochs}, loss {loss:.3f}"
        if not self.epochs_done:
            return epoch
        return f"{epoch}, held-out {self.history[-1].accuracy:.2%}"


def split(digits: Digits, limit: int | None = None) -> tuple[Digits, Digits]:
    """Training and held-out images, the same in every run. limit: how many training images to keep.

    Errors: UserError where there are not that many.
    """
    most = len(digits) - HELD_OUT
    if limit is not None and not 1 <= limit <= most:
        raise UserError(f"Training can be limited to 1 to {most:,} images, not {limit:,}.")
    order = np.random.default_rng(0).permutation(len(digits))
    held_out, training = order[:HELD_OUT], order[HELD_OUT:][:limit]
    return digits[training], digits[held_out]


def as_input(images: np.ndarray) -> torch.Tensor:
    """uint8 images (N, 28, 28) as the models take them: float32 (N, 1, 28, 28), 0 to 1."""
    return torch.from_numpy(images[:, np.newaxis].astype(np.float32) * np.float32(PIXEL_STEP))


def _device() -> torch.device:
    """A GPU where there is one; set up so that a seed gives the same bits again on the same machine."""
    # Float sums in another order give other bits. cuBLAS reads its part when it is first used.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # Shorter mantissas would be no integers any more.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@torch.no_grad()
def _accuracy(network: nn.Module, digits: Digits, device: torch.device) -> float:
    """The share of digits, 0 to 1, for which the largest output is the right one."""
    batches = as_input(digits.images).split(500)
    guesses = torch.cat([network(batch.to(device)).argmax(dim=1).cpu() for batch in batches])
    return float((guesses.numpy() == digits.labels).mean())


def _as_json(recipe: Recipe) -> dict[str, Any]:
    """As a file gives it back: JSON knows no tuples."""
    return json.loads(json.dumps(asdict(recipe)))


def _recipe(recipe: Recipe, seed: int | None, epochs: int | None) -> Recipe:
    if seed is not None:
        if not 0 <= seed < 2**32:
            raise UserError(f"A seed is a number from 0 to {2**32 - 1}, not {seed}.")
        recipe = replace(recipe, seed=seed)
    if epochs is not None:
        if epochs < 1:
            raise UserError(f"Training takes at least 1 epoch, not {epochs}.")
        recipe = recipe.of_epochs(epochs)
    return recipe
