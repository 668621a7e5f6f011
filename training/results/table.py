"""The table of results: an entry for each seed of each model in results.json, and RESULTS.md made from it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from common.errors import UserError
from common.files import write_atomically
from common.paths import RESULTS, RESULTS_TABLE, shown
from compiler.network import Model
from training.results import robustness
from training.settings import MOST_IMAGES, mnist_description

_HEAD = """\
# Results

`./inv results` writes this file. Changes made by hand are lost.

Accuracies are percentages of recognised images.

- **test**: the test images of the model's data, 10,000 of MNIST. Each seed uses them once, at the end.
- **held-out**: training images that no network was trained on, 5,000 of MNIST. The loss on them chooses the
  epoch and the seed of the committed network.
- **corrupted**: the held-out images, all of them corrupted as in training.
- **integer**: the network of the best epoch, in integers, as the chip computes it.
- **float**: the network after its last epoch in float.
- **rounded**: that float network in the same integers, without training in integers.
"""

_COLUMNS = {
    "held-out, integer": "validation, integer",
    "held-out, corrupted": "validation, corrupted",
    "test, integer": "test, integer",
    "test, rounded": "test, rounded float",
    "test, float": "test, float",
}

_SAME = ("architecture", "recipe", "data")  # in all entries of one model; no data: MNIST


def best_of(entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The entry with the smallest loss on held-out images."""
    return min(entries, key=lambda entry: entry["held-out loss"])


def record(model: Model, results: Path = RESULTS, table: Path = RESULTS_TABLE) -> None:
    """Enter a trained model and write both files.

    Replaces the entry of the same seed, and removes entries of the same model with other layers or another
    recipe. Raises UserError.
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
    defaults = {"data": mnist_description(), "training images": MOST_IMAGES}
    for key, default in defaults.items():
        if (value := model.metadata.get(key, default)) != default:
            entry[key] = value
    kept = [
        other
        for other in load(results)
        if other["name"] != entry["name"]
        or (other["seed"] != entry["seed"] and all(other.get(key) == entry.get(key) for key in _SAME))
    ]
    entries = sorted([*kept, entry], key=lambda other: (other["name"], other["seed"]))
    write_atomically(results, f"{json.dumps(entries, indent=1, sort_keys=True)}\n".encode())
    write(results, table)


def write(results: Path = RESULTS, table: Path = RESULTS_TABLE) -> None:
    """Write RESULTS.md from the recorded files. Raises UserError if one is damaged."""
    entries, measurements = load(results), robustness.load(robustness.file_beside(results))
    write_atomically(table, text(entries, measurements).encode())


def load(results: Path = RESULTS) -> list[dict[str, Any]]:
    """The entries; none if there is no file. Raises UserError if it is damaged."""
    if not results.is_file():
        return []
    try:
        entries: list[dict[str, Any]] = json.loads(results.read_text())
        return entries
    except (OSError, ValueError):
        raise UserError(f"{shown(results)} cannot be read: restore it with git.") from None


def text(entries: Sequence[Mapping[str, Any]], measurements: robustness.Measurements) -> str:
    """The content of RESULTS.md."""
    names = sorted({entry["name"] for entry in entries})
    sections = [_section(name, [entry for entry in entries if entry["name"] == name]) for name in names]
    about_robustness = robustness.section(entries, measurements)
    return "\n".join([_HEAD, *sections, *filter(None, [about_robustness])])


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
            f"{epochs}. The best seed on held-out images is {best['seed']}, checksum {best['checksum']}.",
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
