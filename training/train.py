"""Train a model by its name and write its model file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from common.paths import MODELS, RUNS, shown
from compiler import model_file, reference, resources
from compiler.network import Model
from data import sample
from data.examples import Dataset, Examples
from data.split import hold_out
from training import models
from training.images.choice import OWN, DataChoice
from training.images.training_set import check_limit
from training.loop import curve
from training.loop.checkpoint import Checkpoint, EpochRecord, best_epoch
from training.loop.device import deterministic_device, environment
from training.loop.evaluation import accuracy
from training.loop.trainer import Trainer
from training.quantise.network import quantised
from training.recipe import Recipe
from training.settings import RunSettings, description


@dataclass(frozen=True)
class TrainResult:
    """The end of a run. Accuracies are 0 to 1; those on the test set exist only for a finished run.

    output: the model file of the best epoch, or None if the first epoch did not end.
    kept: the model file that this run would have replaced if it were not shortened, if there is one.
    """

    name: str
    epochs: int
    epochs_wanted: int
    finished: bool = False
    output: Path | None = None
    curve: Path | None = None
    best_epoch: int = 0
    held_out_accuracy: float = 0.0
    test_accuracy: float = 0.0
    float_test_accuracy: float = 0.0
    kept: Path | None = None

    def __str__(self) -> str:
        if self.output is None or self.curve is None:
            return f"Training of {self.name} stopped in its first epoch. Nothing is saved yet."
        best = f"epoch {self.best_epoch} with {self.held_out_accuracy:.2%} of the held-out images"
        if not self.finished:
            return (
                f"Training of {self.name} stopped after epoch {self.epochs} of {self.epochs_wanted}. "
                f"The best is {best}, saved as {shown(self.output)}. Type the same command to continue."
            )
        kept = (
            f" This short run leaves {shown(self.kept)} as it is; --replace replaces it." if self.kept else ""
        )
        return (
            f"{self.name} recognises {self.test_accuracy:.2%} of the test images in integers "
            f"({self.float_test_accuracy:.2%} in float). The best is {best}. "
            f"The model is {shown(self.output)}, its curve {shown(self.curve)}.{kept}"
        )


def train(
    name: str = "linear",
    seed: int | None = None,
    epochs: int | None = None,
    limit: int | None = None,
    output: Path | None = None,
    fresh: bool = False,
    runs: Path = RUNS,
    data: DataChoice = OWN,
    saved_as: str = "",
    replaces: bool = False,
) -> TrainResult:
    """Train a model of models/, or continue an unfinished run with the same settings.

    seed, epochs: replace those of the recipe. limit: train on this number of images only.
    output: the model file, by default models/NAME.npz; a run with a limit or fewer epochs than the recipe's
    writes trial.npz into its folder instead unless `replaces`.
    fresh: delete an unfinished run and start again. runs: the folder that holds the folders of all runs.
    data: replaces the recipe's. saved_as: the model's NAME, by default data.file_name().
    Ctrl-C stops training after the current step; the result says what is saved. Raises UserError.
    """
    model_class = models.find(name)
    recipe = model_class.recipe.changed(seed, epochs)
    check_limit(limit)
    dataset = data.load(recipe)
    name = saved_as or data.file_name(name, recipe)
    device = deterministic_device()
    torch.manual_seed(recipe.seed)
    network = models.build(model_class, dataset.interface).to(device)
    resources.check_fits(quantised(network, name, recipe.quantisation).model(name, dataset.interface))
    training, held_out = hold_out(dataset.train, dataset.split_seed)
    check_limit(limit, len(training))
    training = training[:limit]

    settings = RunSettings(name, str(network), recipe.as_json(), len(training), description(dataset))
    folder = settings.folder(runs)
    kept = None
    if output is None:
        output = MODELS / f"{name}.npz"
        if not replaces and (limit is not None or recipe.all_epochs < model_class.recipe.all_epochs):
            kept = output if output.is_file() else None
            output = folder / "trial.npz"
    checkpoint = Checkpoint(folder / "checkpoint.pt", environment(device))
    run = _Run(settings, recipe, folder, output, checkpoint, dataset, len(held_out), kept)
    if fresh:
        run.forget()
    saved = run.checkpoint.load()
    trainer = Trainer(name, network, recipe, training, held_out, dataset.interface)
    try:
        if saved:
            trainer.resume(saved)
        trainer.run(run.checkpoint.save)
        return run.finish(trainer)
    except KeyboardInterrupt:
        return run.stop()


@dataclass(frozen=True)
class _Run:
    """The files of a run. held_out: the number of held-out images. kept: as in TrainResult."""

    settings: RunSettings
    recipe: Recipe
    folder: Path
    output: Path
    checkpoint: Checkpoint
    dataset: Dataset
    held_out: int
    kept: Path | None

    def finish(self, trainer: Trainer) -> TrainResult:
        """Measure the best epoch on the test set, once, write the model file and delete the checkpoint."""
        assert trainer.best is not None
        accuracies = _accuracies(trainer, trainer.best, self.dataset.test)
        result = self._write(trainer.best, trainer.history, accuracies, self.output)
        self.forget()
        return replace(
            result,
            finished=True,
            test_accuracy=accuracies["test, integer"],
            float_test_accuracy=accuracies["test, float"],
            kept=self.kept,
        )

    def stop(self) -> TrainResult:
        """Write the best model so far, if the checkpoint has one."""
        # Only the file tells what is saved: Ctrl-C may come just before or after it is written.
        saved = self.checkpoint.load()
        if saved is None:
            return TrainResult(self.settings.model, 0, self.recipe.all_epochs)
        accuracies = {"validation, integer": saved.history[best_epoch(saved.history) - 1].accuracy}
        return self._write(saved.best, saved.history, accuracies, self._best_file)

    def forget(self) -> None:
        """Delete the checkpoint and the best model of an unfinished run."""
        self.checkpoint.delete()
        self._best_file.unlink(missing_ok=True)
        sample.path_of(self._best_file).unlink(missing_ok=True)

    @property
    def _best_file(self) -> Path:
        return self.folder / "best.npz"

    def _write(
        self, best: Model, history: Sequence[EpochRecord], accuracies: Mapping[str, float], output: Path
    ) -> TrainResult:
        """Write the model file with its metadata, its sample of test images, and the curve."""
        # No time of day: the same run gives the same bytes.
        metadata = {
            "accuracy": dict(accuracies),
            "best epoch": best_epoch(history),
            "held-out loss": min(record.held_out_loss for record in history),
            "epochs": len(history),
            "recipe": self.settings.recipe,
            "architecture": self.settings.architecture,
            "training images": self.settings.images,
            "held-out images": self.held_out,
            "data": self.settings.data,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
        }
        sample.write(output, sample.choose(self.dataset.test, self.dataset.split_seed))
        model_file.save(replace(best, metadata=metadata), output)
        name, curve_file = self.settings.model, self.folder / "curve.png"
        curve.draw(history, self.recipe.epochs, f"{name}, seed {self.recipe.seed}", curve_file)
        chosen = best_epoch(history)
        return TrainResult(
            name,
            len(history),
            self.recipe.all_epochs,
            output=output,
            curve=curve_file,
            best_epoch=chosen,
            held_out_accuracy=history[chosen - 1].accuracy,
        )


def _accuracies(trainer: Trainer, best: Model, test: Examples) -> dict[str, float]:
    """Accuracies of the best epoch, of the float network, and of the float network rounded to integers."""
    float_network = trainer.float_average
    rounded = trainer.quantised_float().model(trainer.name, trainer.interface)
    accuracies: dict[str, float] = {}
    for part, examples in (("validation", trainer.held_out), ("test", test)):
        accuracies |= {
            f"{part}, integer": reference.accuracy(best, examples),
            f"{part}, float": accuracy(float_network, examples, trainer.device),
        }
        if trainer.recipe.integer_epochs:
            accuracies[f"{part}, rounded float"] = reference.accuracy(rounded, examples)
    if trainer.recipe.augmentation.corrupted:
        accuracies["validation, corrupted"] = reference.accuracy(best, trainer.corrupted_held_out())
    return accuracies
