"""The table of results follows from the metadata of the trained models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.errors import UserError
from common.paths import MODELS, RESULTS, RESULTS_TABLE
from compiler import model_file
from compiler.network import Linear, Model
from training.results import robustness, table


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return {"results": tmp_path / "results.json", "table": tmp_path / "RESULTS.md"}


def trained(seed: int, validation: float, test: float, name: str = "small", **recipe: Any) -> Model:
    layer = Linear(np.full((10, 784), seed, np.int8), np.zeros(10, np.int32))
    accuracy = {"validation, integer": validation, "test, integer": test, "test, float": 0.99}
    metadata = {
        "architecture": "one layer",
        "recipe": {"seed": seed, "epochs": 3, "integer_epochs": 2, **recipe},
        "accuracy": accuracy,
        "best epoch": 5,
        "held-out loss": 1 - validation,
    }
    return Model(name, (layer,), 1.0, metadata)


def test_the_table_has_every_seed_the_mean_and_the_best_on_held_out_images(files: dict[str, Path]) -> None:
    for model in (trained(2, 0.97, 0.99), trained(1, 0.98, 0.96), trained(7, 0.9, 0.9, name="other")):
        table.record(model, **files)
    lines = files["table"].read_text().splitlines()
    assert lines[lines.index("## small") :] == [
        "## small",
        "",
        f"3 epochs in float, 2 in integers. The best seed on held-out images is 1, checksum "
        f"{trained(1, 0, 0).checksum:08x}.",
        "",
        "| seed | held-out, integer | test, integer | test, float | best epoch |",
        "| --- | --- | --- | --- | --- |",
        "| 1 | 98.00% | 96.00% | 99.00% | 5 |",
        "| 2 | 97.00% | 99.00% | 99.00% | 5 |",
        "| mean | 97.500% | 97.500% | 99.000% |  |",
        "| standard deviation | 0.707% | 2.121% | 0.000% |  |",
    ]
    section = lines[lines.index("## other") : lines.index("## small")]
    assert [line for line in section if line.startswith("| 7")] == ["| 7 | 90.00% | 90.00% | 99.00% | 5 |"]
    assert not any("mean" in line for line in section)


def test_a_seed_replaces_its_entry_and_another_recipe_replaces_all(files: dict[str, Path]) -> None:
    for model in (trained(1, 0.5, 0.5), trained(2, 0.6, 0.6), trained(1, 0.7, 0.7)):
        table.record(model, **files)
    assert [entry["accuracy"]["test, integer"] for entry in table.load(files["results"])] == [0.7, 0.6]
    table.record(trained(9, 0.1, 0.1, name="other"), **files)
    table.record(trained(3, 0.8, 0.8, batch_size=9), **files)
    assert [(entry["name"], entry["seed"]) for entry in table.load(files["results"])] == [
        ("other", 9),
        ("small", 3),
    ]


def test_damaged_results_are_one_sentence(files: dict[str, Path]) -> None:
    files["results"].write_text("[")
    with pytest.raises(UserError, match="cannot be read: restore it with git"):
        table.record(trained(1, 0.5, 0.5), **files)


@pytest.mark.parametrize("name", ["linear", "cnn", "max"])
def test_the_committed_model_is_the_best_on_held_out_images(name: str) -> None:
    checksum = f"{model_file.load(MODELS / f'{name}.npz').checksum:08x}"
    entries = [entry for entry in table.load() if entry["name"] == name]
    best = min(entries, key=lambda entry: float(entry["held-out loss"]))
    assert checksum == best["checksum"], f"restore models/{name}.npz, or run ./inv results --model {name}"
    assert table.best_of(entries) == best


def test_the_committed_table_is_made_from_the_committed_results() -> None:
    measurements = robustness.load(robustness.file_beside(RESULTS))
    assert RESULTS_TABLE.read_text() == table.text(table.load(), measurements)
