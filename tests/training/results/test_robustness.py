"""The robustness in RESULTS.md: the measurements of the recorded networks alone."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("skimage", reason="scikit-image is not installed: invoke setup --train")

from common.errors import UserError
from training.results import robustness
from training.robustness.benchmark import Robustness
from training.robustness.kinds import KINDS


def measured(clean: float, weak: float) -> Robustness:
    return Robustness(clean, {kind.name: [weak, 0.5, 0.25] for kind in KINDS})


def entry(name: str, checksum: str) -> dict[str, str]:
    return {"name": name, "checksum": checksum}


def test_the_table_has_means_and_spreads_over_the_seeds_of_each_model() -> None:
    text = robustness.section(
        [entry("cnn", "01"), entry("cnn", "02"), entry("max", "03"), entry("linear", "04")],
        {"01": measured(0.99, 0.9), "02": measured(0.97, 0.8), "03": measured(0.5, 0.6)},
    )
    assert "| corruption | cnn | max |" in text  # linear is not measured
    assert "| seeds measured | 2 | 1 |" in text
    assert "| none | 98.00 ± 1.41 | 50.00 |" in text
    assert "| defocus: 1.2, 1.8, 2.5 radius, pixels | 85.0 / 50.0 / 25.0 | 60.0 / 50.0 / 25.0 |" in text
    assert "| **mean of all kinds** | **53.33 ± 2.36** | **45.00** |" in text


def test_without_a_measurement_there_is_no_section() -> None:
    assert robustness.section([entry("cnn", "01")], {}) == ""


def test_measurements_of_networks_that_are_not_recorded_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "robustness.json"
    robustness.record({"01": measured(0.9, 0.9), "02": measured(0.8, 0.8)}, path, ["01", "02"])
    robustness.record({"03": measured(0.7, 0.7)}, path, ["02", "03"])
    assert robustness.load(path) == {"02": measured(0.8, 0.8), "03": measured(0.7, 0.7)}


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "robustness.json"
    path.write_text('{"01": {"clean": 1}}')
    with pytest.raises(UserError, match="restore it with git"):
        robustness.load(path)
