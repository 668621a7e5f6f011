"""The table at the end of `test`: what ran, what was skipped, and what makes it fail."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from common.errors import UserError
from tooling import checks
from tooling.checks import Check, NotRun, Outcome
from tooling.setup import provision
from tooling.suites.robot_results import Counts, Results


def outcome(
    name: str, counts: Counts, skips: dict[str, str] | None = None, executed: tuple[str, ...] = ()
) -> Outcome:
    return Outcome(name, Results(counts, frozenset(executed), skips or {}), 1.0)


GOOD = outcome("ruff", Counts(passed=1))
MISSING = Outcome("suites on qemu", Results(), 0.0, "qemu-system-arm not found.")


def test_a_failure_is_a_problem() -> None:
    outcomes = [GOOD, outcome("pytest", Counts(3, 1, 0))]

    assert checks.find_problems(outcomes, Counter(), [], no_skips=False) == ["pytest failed."]


def test_a_check_that_did_not_run_is_a_problem_if_it_is_required() -> None:
    def problems(required: list[str], no_skips: bool) -> list[str]:
        return checks.find_problems([GOOD, MISSING], Counter(), required, no_skips)

    assert problems([], no_skips=False) == []
    assert problems(["ruff"], no_skips=False) == []
    assert problems(["suites on qemu"], no_skips=False) == ["suites on qemu had to run and did not."]
    assert problems([], no_skips=True) == ["suites on qemu had to run and did not."]


def test_a_skipped_test_is_a_problem_only_with_no_skips() -> None:
    outcomes = [outcome("pytest", Counts(2, 0, 2), {"a": "no torch", "b": "no torch"})]
    skips = checks.skipped_tests(outcomes)

    assert skips == {("pytest", "no torch"): 2}
    assert checks.find_problems(outcomes, skips, [], no_skips=False) == []
    assert checks.find_problems(outcomes, skips, [], no_skips=True) == ["pytest: 2 tests were skipped."]


def test_a_suites_test_that_another_board_executed_is_not_skipped() -> None:
    native = outcome(
        "suites on native", Counts(1, 0, 2), {"clock": "no crystal", "fault": "no chip"}, ("boot",)
    )
    renode = outcome("suites on renode", Counts(2), executed=("boot", "clock"))

    assert checks.skipped_tests([native, renode]) == {("suites on native", "no chip"): 1}


def run(chosen: list[Check], monkeypatch: pytest.MonkeyPatch, *required: str, no_skips: bool = False) -> bool:
    monkeypatch.setattr(checks, "_checks", lambda install: chosen)
    monkeypatch.setattr(provision, "provide_all", lambda: pytest.fail("was called"))
    return checks.run(required, install=False, no_skips=no_skips)


def test_the_table_says_what_ran_and_why_the_rest_did_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def not_run() -> Results:
        raise NotRun("no compiler")

    def breaks() -> Results:
        raise UserError("it broke")

    chosen = [
        Check("lint", lambda: Results(Counts(passed=1))),
        Check("tests", lambda: Results(Counts(7, 0, 1), skips={"x": "no torch"})),
        Check("suites", not_run),
    ]
    assert run(chosen, monkeypatch)
    printed = capsys.readouterr().out
    assert [
        line.split()[:3] for line in printed.splitlines() if line.startswith(("lint ", "tests ", "suites "))
    ] == [
        ["lint", "passed", "1"],
        ["tests", "passed", "7,"],
        ["suites", "not", "run"],
        ["tests", "1", "no"],
    ]
    assert "no compiler" in printed and "no torch" in printed
    assert printed.endswith("8 passed, 0 failed, 1 skipped\n")

    assert not run(chosen, monkeypatch, "suites")
    assert capsys.readouterr().out.endswith("suites had to run and did not.\n")
    assert not run(chosen, monkeypatch, no_skips=True)
    assert not run([*chosen, Check("more", breaks)], monkeypatch)
    assert "it broke" in capsys.readouterr().out


def test_pytests_results_name_the_reasons(tmp_path: Path) -> None:
    path = tmp_path / "pytest.xml"
    path.write_text(
        '<testsuites><testsuite tests="9" failures="1" errors="2" skipped="3">'
        '<testcase classname="tests.a" name="one"><skipped message="no torch"/></testcase>'
        "</testsuite></testsuites>"
    )
    results = checks.pytest_results(path)
    assert results.counts == Counts(3, 3, 3)
    assert results.skips == {"tests.a.one": "no torch"}

    path.write_text("<testsuites><testsu")
    with pytest.raises(UserError, match="before it could write"):
        checks.pytest_results(path)
