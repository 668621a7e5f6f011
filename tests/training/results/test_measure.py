"""Measuring the robustness of recorded networks: the committed linear model on a few images."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

from common.errors import UserError
from common.paths import RESULTS
from compiler import reference
from compiler.network import Model
from data import mnist
from training.results import measure, robustness
from training.robustness.benchmark import Predict
from training.robustness.kinds import KINDS

FEW = mnist.load_test_set()[:12]


def compiled(path: Path, model: Model) -> Predict:
    return lambda images: reference.predict(model, images)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    monkeypatch.setattr(measure, "load_test_set", lambda: FEW)
    results = tmp_path / "results.json"
    results.write_text(RESULTS.read_text())
    return {
        "runs": tmp_path / "runs",
        "results": results,
        "markdown": tmp_path / "RESULTS.md",
        "drawing": tmp_path / "picture.png",
    }


def test_the_committed_network_is_measured_recorded_and_in_the_table(places: dict[str, Path]) -> None:
    text = measure.measure(["linear"], compiled, **places)
    (measured,) = robustness.load(robustness.file_beside(places["results"])).values()
    assert 0.7 < measured.clean <= 1 and measured.kinds.keys() == {kind.name for kind in KINDS}
    assert "| corruption | linear |" in text and text in places["markdown"].read_text()
    assert not places["drawing"].exists()


def test_several_networks_are_drawn_side_by_side(places: dict[str, Path]) -> None:
    measure.measure(["linear", "max"], lambda *_: lambda images: np.zeros(len(images), int), **places)
    assert places["drawing"].read_bytes().startswith(b"\x89PNG")


def test_a_model_without_a_recorded_network_is_named(places: dict[str, Path]) -> None:
    entries = [entry for entry in json.loads(places["results"].read_text()) if entry["name"] != "linear"]
    places["results"].write_text(json.dumps(entries))
    with pytest.raises(UserError, match="No network of linear is here"):
        measure.measure(["linear"], compiled, **places)
