"""Train a model with several seeds and publish the best.

The test set is used once for each seed, at the end of its training. It decides nothing: the held-out images
decide which seed's network becomes models/NAME.npz.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.errors import UserError
from common.files import write_atomically
from common.paths import MODELS, RESULTS, RESULTS_TABLE, RUNS
from compiler import model_file
from data import sample
from data.split import hold_out
from training.results import table
from training.settings import MOST_IMAGES, RunSettings, description, mnist_description


def train_seeds(
    name: str,
    seeds: int,
    fresh: bool = False,
    *,
    runs: Path = RUNS,
    committed: Path = MODELS,
    results: Path = RESULTS,
    markdown: Path = RESULTS_TABLE,
) -> bool:
    """Train a model with each seed from 1 to `seeds`, record the results and publish the best of the table.

    A seed with a finished run of the same settings is not trained again, and an interrupted run continues
    unless `fresh`. Returns whether all runs are finished. Raises UserError.
    """
    if seeds < 1:
        raise UserError(f"Results need at least 1 seed, not {seeds}.")
    from training import models  # the rest of this module works without torch
    from training.images.choice import OWN
    from training.train import train

    dataset = OWN.load(models.find(name).recipe)
    images = len(hold_out(dataset.train, dataset.split_seed)[0])
    for seed in range(1, seeds + 1):
        settings = models.settings(name, seed, dataset.interface, images, description(dataset))
        output = _output(settings, runs)
        if not output.is_file() or not settings.made(model_file.load(output)):
            result = train(name, seed=seed, output=output, fresh=fresh, runs=runs)
            print(result)
            if not result.finished:
                return False
        table.record(model_file.load(output), results, markdown)
    publish(table.best_of([entry for entry in table.load(results) if entry["name"] == name]), committed, runs)
    return True


def publish(entry: Mapping[str, Any], committed: Path, runs: Path) -> None:
    """Make a recorded network NAME.npz in the folder of committed models, unless it already is.

    Raises UserError if the run's folder does not have the network.
    """
    name, seed = entry["name"], entry["seed"]
    target = committed / f"{name}.npz"
    found = find(entry, committed, runs)
    if found == target:
        return
    if found is None:
        raise UserError(
            f"The best {name} on held-out images is seed {seed}, which was not trained on this machine: "
            f"type './inv results --model {name} --seeds {seed}'."
        )
    test_images = sample.path_of(found)
    if test_images.is_file():  # not beside the file of an older run, whose test images are committed
        write_atomically(sample.path_of(target), test_images.read_bytes())
    write_atomically(target, found.read_bytes())


def find(entry: Mapping[str, Any], committed: Path, runs: Path) -> Path | None:
    """The file of a recorded network: the committed model, or the output of its run, if it is here."""
    settings = RunSettings(
        entry["name"],
        entry["architecture"],
        {**entry["recipe"], "seed": entry["seed"]},
        entry.get("training images", MOST_IMAGES),
        entry.get("data") or mnist_description(),
    )
    for path in (committed / f"{entry['name']}.npz", _output(settings, runs)):
        if path.is_file() and f"{model_file.load(path).checksum:08x}" == entry["checksum"]:
            return path
    return None


def _output(settings: RunSettings, runs: Path) -> Path:
    """The model file of a finished run."""
    return settings.folder(runs) / f"{settings.model}.npz"
