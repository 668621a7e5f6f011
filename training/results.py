"""The table of results: every seed of every model, in results.json, and RESULTS.md, made of it.

The test set is looked at once for each seed, at the end of its training. Nothing is chosen by it: which
seed's network becomes models/NAME.npz is decided by the images held out from training.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from training import model_file
from training.errors import TrainingError
from training.model_file import Model
from training.paths import MODELS, RESULTS, RESULTS_TABLE, RUNS, shown, write_atomically

_HEAD = """\
# Results

The output of `invoke results`; changes here are lost. Accuracies are percentages of images recognised, on the
10,000 test images, which were looked at once for each seed, and on the training images held out ("held-out"),
by whose loss the epoch and the committed network were chosen. "Integer" is what the chip computes; "float" is
the network before training in integers began; "rounded" is that one in the same integers, untrained in them.
"""

_COLUMNS = {
    "held-out, integer": "validation, integer",
    "test, integer": "test, integer",
    "test, rounded": "test, rounded float",
    "test, float": "test, float",
}

_SAME = ("architecture", "recipe")  # what the entries of one model have in common


def train_seeds(name: str, seeds: Sequence[int]) -> bool:
    """Trains a model with each of the seeds that has no result of its present layers and recipe, and makes
    the best on held-out images models/NAME.npz. An interrupted run goes on where it stopped. Whether all
    were finished.

    Errors: TrainingError.
    """
    from training.train import is_of_today, train  # torch is needed for training only

    for seed in seeds:
        work = RUNS / name / f"seed-{seed}"
        output = work / f"{name}.npz"
        if not (output.is_file() and is_of_today(model_file.load(output), name, seed)):
            result = train(name, seed=seed, work=work, output=output)
            print(result)
            if not result.finished:
                return False
        record(model_file.load(output))
    trained = [RUNS / name / f"seed-{seed}" / f"{name}.npz" for seed in seeds]
    best = min(trained, key=lambda path: model_file.load(path).metadata["held-out loss"])
    write_atomically(MODELS / f"{name}.npz", best.read_bytes())
    return True


def record(model: Model, results: Path = RESULTS, table: Path = RESULTS_TABLE) -> None:
    """Enters a trained model, and writes the table anew.

    Replaces the entry of the same seed, and drops those of the same name that had other layers or another
    recipe.
    Errors: TrainingError.
    """
    recipe = dict(model.metadata["recipe"])
    entry = {
        "name": model.name,
        "seed": recipe.pop("seed"),
        "architecture": model.metadata["architecture"],
        "recipe": recipe,
        "checksum": f"{model.checksum:08x}",
        "best epoch": model.metadata["best epoch"],
        "held-out loss": model.metadata["held-out loss"],
        "accuracy": dict(model.metadata["accuracy"]),
    }
    kept = [
        other
        for other in load(results)
        if other["name"] != entry["name"]
        or (other["seed"] != entry["seed"] and all(other.get(key) == entry[key] for key in _SAME))
    ]
    entries = sorted([*kept, entry], key=lambda other: (other["name"], other["seed"]))
    write_atomically(results, f"{json.dumps(entries, indent=1, sort_keys=True)}\n".encode())
    write_atomically(table, text(entries).encode())


def load(results: Path = RESULTS) -> list[dict[str, Any]]:
    """The entries; none where there is no file. Errors: TrainingError."""
    if not results.is_file():
        return []
    try:
        return json.loads(results.read_text())
    except (OSError, ValueError):
        raise TrainingError(f"{shown(results)} cannot be read: restore it with git.") from None


def text(entries: Sequence[Mapping[str, Any]]) -> str:
    """RESULTS.md."""
    names = sorted({entry["name"] for entry in entries})
    return "\n".join([_HEAD, *(_section(name, [e for e in entries if e["name"] == name]) for name in names)])


def _section(name: str, entries: Sequence[Mapping[str, Any]]) -> str:
    best = min(entries, key=lambda entry: entry["held-out loss"])
    keys = [key for key in _COLUMNS.values() if all(key in entry["accuracy"] for entry in entries)]
    titles = [title for title, key in _COLUMNS.items() if key in keys]
    rows = [
        [str(entry["seed"]), *(f"{entry['accuracy'][key]:.2%}" for key in keys), str(entry["best epoch"])]
        for entry in entries
    ]
    if len(entries) > 1:
        rows += [
            _summary("mean", statistics.mean, keys, entries),
            _summary("standard deviation", statistics.stdev, keys, entries),
        ]
    recipe = entries[0]["recipe"]
    epochs = f"{recipe['epochs']} epochs in float, {recipe['integer_epochs']} in integers"
    return "\n".join(
        [
            f"## {name}",
            "",
            f"{epochs}. The best on held-out images is seed {best['seed']}, checksum {best['checksum']}.",
            "",
            _line(["seed", *titles, "best epoch"]),
            _line(["---"] * (len(titles) + 2)),
            *map(_line, rows),
            "",
        ]
    )


def _summary(
    title: str,
    function: Callable[[Sequence[float]], float],
    keys: Sequence[str],
    entries: Sequence[Mapping[str, Any]],
) -> list[str]:
    values = [function([entry["accuracy"][key] for entry in entries]) for key in keys]
    return [title, *(f"{value:.3%}" for value in values), ""]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
