"""The table of results is made of what the model files say."""

from pathlib import Path

import numpy as np
import pytest

from common.errors import UserError
from common.paths import MODELS, RESULTS_TABLE
from compiler import model_file
from compiler.network import Linear, Model
from training import results


@pytest.fixture
def files(tmp_path: Path):
    return {"results": tmp_path / "results.json", "table": tmp_path / "RESULTS.md"}


def trained(seed, validation, test, name="small", **recipe):
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


def test_the_table_has_every_seed_the_mean_and_the_best_on_held_out_images(files) -> None:
    for model in (trained(2, 0.97, 0.99), trained(1, 0.98, 0.96), trained(7, 0.9, 0.9, name="other")):
        results.record(model, **files)
    lines = files["table"].read_text().splitlines()
    assert lines[lines.index("## small") :] == [
        "## small",
        "",
        f"3 epochs in float, 2 in integers. The best on held-out images is seed 1, checksum "
        f"{trained(1, 0, 0).checksum:08x}.",
        "",
        "| seed | held-out, integer | test, integer | test, float | best epoch |",
        "| --- | --- | --- | --- | --- |",
        "| 1 | 98.00% | 96.00% | 99.00% | 5 |",
        "| 2 | 97.00% | 99.00% | 99.00% | 5 |",
        "| mean | 97.500% | 97.500% | 99.000% |  |",
        "| standard deviation | 0.707% | 2.121% | 0.000% |  |",
    ]
    assert "## other" in lines


def test_a_seed_trained_again_replaces_its_row_and_another_recipe_all_of_them(files) -> None:
    for model in (trained(1, 0.5, 0.5), trained(2, 0.6, 0.6), trained(1, 0.7, 0.7)):
        results.record(model, **files)
    assert [entry["accuracy"]["test, integer"] for entry in results.load(files["results"])] == [0.7, 0.6]
    results.record(trained(3, 0.8, 0.8, batch_size=9), **files)
    assert [entry["seed"] for entry in results.load(files["results"])] == [3]


def test_the_best_of_all_seeds_is_published_whichever_was_trained_last(
    files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "RUNS", tmp_path)
    models = tmp_path / "models"
    for model in (trained(1, 0.5, 0.9), trained(2, 0.8, 0.5)):
        results.record(model, **files)
    best = results.best_of(results.load(files["results"]))
    with pytest.raises(UserError, match=r"is seed 2, which was not trained here: .* --seeds 2'"):
        results.publish(best, models)
    for seed in (1, 2):
        model_file.save(trained(seed, 0.5, 0.5), tmp_path / "small" / f"seed-{seed}" / "small.npz")
    for _ in range(2):
        results.publish(best, models)
        assert model_file.load(models / "small.npz").checksum == trained(2, 0, 0).checksum


def test_no_seed_at_all_is_refused() -> None:
    with pytest.raises(UserError, match="at least 1 seed, not 0"):
        results.train_seeds("linear", 0)


def test_damaged_results_are_one_sentence(files) -> None:
    files["results"].write_text("[")
    with pytest.raises(UserError, match="cannot be read: restore it with git"):
        results.record(trained(1, 0.5, 0.5), **files)


@pytest.mark.parametrize("name", ["linear", "cnn", "max"])
def test_the_committed_model_is_the_best_on_held_out_images(name: str) -> None:
    checksum = f"{model_file.load(MODELS / f'{name}.npz').checksum:08x}"
    entries = [entry for entry in results.load() if entry["name"] == name]
    best = min(entries, key=lambda entry: entry["held-out loss"])
    assert checksum == best["checksum"], f"restore models/{name}.npz, or run ./inv results --model {name}"


def test_the_committed_table_is_that_of_the_results() -> None:
    assert RESULTS_TABLE.read_text() == results.text(results.load())
