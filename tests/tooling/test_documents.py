"""The claims of the documents: tests and files that they name exist; accuracies are those of the results."""

import json
import re
from statistics import mean

import pytest

from common.paths import RESULTS, ROOT, SUITES

README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
FAULTS = (ROOT / "docs" / "FAULTS.md").read_text()


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 120


@pytest.mark.parametrize("model", ["cnn", "max", "linear"])
def test_the_accuracies_are_the_means_of_the_results(model: str) -> None:
    entries = json.loads(RESULTS.read_text())
    seeds = [entry["accuracy"]["test, integer"] for entry in entries if entry["name"] == model]
    assert f"`{model}`** | {100 * mean(seeds):.2f} % |" in README


def names_in(suite: str) -> set[str]:
    """The names of the tests in a suite."""
    [path] = SUITES.rglob(suite)
    _, _, cases = path.read_text().partition("*** Test Cases ***")
    return {re.split(r"\s{2,}", line)[0] for line in cases.splitlines()[1:] if line[:1].isalpha()}


def test_every_row_of_faults_names_a_test_that_exists() -> None:
    rows = [line for line in FAULTS.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 15
    for row in rows:
        shown_by = row.split("|")[3]
        claims = re.findall(r"`(\w+\.robot)`: ([^;]+)", shown_by)
        files = re.findall(r"`(tests/[\w/]+\.py)`", shown_by)
        assert claims or files, row
        for suite, names in claims:
            assert {name.strip() for name in names.split(",")} <= names_in(suite), row
        assert all((ROOT / file).is_file() for file in files), row


def test_every_file_that_contributing_names_exists() -> None:
    named = re.findall(r"`((?:[\w*]+/)+[\w*.]*)`", CONTRIBUTING)
    assert len(named) > 15
    for name in named:
        if not {"NAME", "KIND"} & set(re.split(r"[/.]", name)):
            assert list(ROOT.glob(name.rstrip("/"))), name
