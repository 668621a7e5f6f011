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

from common.errors import UserError
from common.files import write_atomically
from common.paths import MODELS, RESULTS, RESULTS_TABLE, RUNS, shown
from compiler import model_file
from compiler.network import Model

_HEAD = """\
# Results

The output of `invoke results`; changes here are lost. Accuracies are percentages of images recognised, on the
10,000 test images, which were looked at once for each seed, and on the training images held out ("held-out"),
by whose loss the epoch and the committed network were chosen. "Integer" is what the chip computes; "float" is
the network after its last epoch in float; "rounded" is that one in the same integers, untrained in them.
"""

_COLUMNS = {
    "held-out, integer": "validation, integer",
    "test, integer": "test, integer",
    "test, rounded": "test, rounded float",
    "test, float": "test, float",
}

_SAME = ("architecture", "recipe")  # what the entries of one model have in common


def train_seeds(name: str, seeds: int, fresh: bool = False) -> bool:
    """Trains a model with each seed from 1 to `seeds` that has no result of its present layers and recipe,
    and makes the best of all that the table holds, on held-out images, models/NAME.npz. An interrupted run
    goes on where it stopped, unless `fresh`. Whether all were finished.

    Errors: UserError.
    """
    if seeds < 1:
        raise UserError(f"Results are those of at least 1 seed, not {seeds}.")
    from training.train import is_of_today, train  # torch is needed for training only

    for seed in range(1, seeds + 1):
        output = _output(name, seed)
        if not (output.is_file() and is_of_today(model_file.load(output), name, seed)):
            result = train(name, seed=seed, work=output.parent, output=output, fresh=fresh)
            print(result)
            if not result.finished:
                return False
        record(model_file.load(output))
    publish(best_of([entry for entry in load() if entry["name"] == name]))
    return True


def publish(entry: Mapping[str, Any], models: Path = MODELS) -> None:
    """Makes a recorded network models/NAME.npz, unless it is that already.

    Errors: UserError where it was trained elsewhere.
    """
    name, seed = entry["name"], entry["seed"]
    committed, output = models / f"{name}.npz", _output(name, seed)

    def holds_it(path: Path) -> bool:
        return path.is_file() and f"{model_file.load(path).checksum:08x}" == entry["checksum"]

    if holds_it(committed):
        return
    if not holds_it(output):
        raise UserError(
            f"The best of {name} on held-out images is seed {seed}, which was not trained here: "
            f"type './inv results --model {name} --seeds {seed}'."
        )
    write_atomically(committed, output.read_bytes())


def best_of(entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The entry of the least loss on held-out images."""
    return min(entries, key=lambda entry: entry["held-out loss"])


def record(model: Model, results: Path = RESULTS, table: Path = RESULTS_TABLE) -> None:
    """Enters a trained model, and writes the table anew.

    Replaces the entry of the same seed, and drops those of the same name that had other layers or another
    recipe.
    Errors: UserError.
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
    """The entries; none where there is no file. Errors: UserError."""
    if not results.is_file():
        return []
    try:
        return json.loads(results.read_text())
    except (OSError, ValueError):
        raise UserError(f"{shown(results)} cannot be read: restore it with git.") from None


def text(entries: Sequence[Mapping[str, Any]]) -> str:
    """RESULTS.md."""
    names = sorted({entry["name"] for entry in entries})
    return "\n".join([_HEAD, *(_section(name, [e for e in entries if e["name"] == name]) for name in names)])


def _section(name: str, entries: Sequence[Mapping[str, Any]]) -> str:
    best = best_of(entries)
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


def _output(name: str, seed: int) -> Path:
    """Where a seed's network is kept."""
    return RUNS / name / f"seed-{seed}" / f"{name}.npz"


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
