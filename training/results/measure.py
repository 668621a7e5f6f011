"""Measure the robustness of the recorded networks whose files are here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from common.errors import UserError
from common.paths import MODELS, RESULTS, RESULTS_TABLE, ROBUSTNESS_PICTURE, RUNS
from compiler import model_file
from compiler.network import DIGITS, Model
from data.mnist import load_test_set
from training.results import robustness, seeds, table
from training.robustness import benchmark, picture
from training.robustness.benchmark import Predict

# The integers of a model file, compiled for this computer.
Compile = Callable[[Path, Model], Predict]


def measure(
    names: Sequence[str],
    compiled: Compile,
    *,
    runs: Path = RUNS,
    committed: Path = MODELS,
    results: Path = RESULTS,
    markdown: Path = RESULTS_TABLE,
    drawing: Path = ROBUSTNESS_PICTURE,
) -> str:
    """Measure every recorded seed of these models and write RESULTS.md; the table is the result.

    A seed counts if its network is the committed one or its run's folder has it. With several models, their
    answers are also drawn side by side. Raises UserError if a model has no such seed.
    """
    entries = table.load(results)
    networks: dict[str, Predict] = {}
    examples: dict[str, Predict] = {}  # the first of each model: the committed one if it is recorded
    for name in names:
        of_name = [entry for entry in entries if entry["name"] == name]
        files = {entry["checksum"]: path for entry in of_name if (path := seeds.find(entry, committed, runs))}
        if not files:
            raise UserError(f"No network of {name} is here: type './inv results --model {name}'.")
        found = {checksum: compiled(path, model_file.load(path)) for checksum, path in files.items()}
        networks |= found
        examples[name] = found[table.best_of([e for e in of_name if e["checksum"] in found])["checksum"]]
    digits = load_test_set()
    measured = benchmark.measure(networks, digits.images, digits.labels)
    path = robustness.file_beside(results)
    robustness.record(measured, path, [entry["checksum"] for entry in entries])
    table.write(results, markdown)
    if len(names) > 1:
        picture.draw(examples, digits.images, digits.labels, DIGITS, drawing)
    return robustness.section([entry for entry in entries if entry["name"] in names], robustness.load(path))
