"""The results that a Robot Framework run wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from robot.api import ExecutionResult, ResultVisitor
from robot.errors import DataError
from robot.result import TestCase

from common.errors import UserError
from common.paths import shown


@dataclass(frozen=True)
class Counts:
    """How many tests passed, failed and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def executed(self) -> int:
        return self.passed + self.failed

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True)
class Results:
    """The counts of a run, the names of the tests that were executed, and why the others were skipped."""

    counts: Counts = field(default_factory=Counts)
    executed: frozenset[str] = frozenset()
    skips: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, other: Results) -> Results:
        return Results(
            self.counts + other.counts, self.executed | other.executed, {**self.skips, **other.skips}
        )


class _Collector(ResultVisitor):
    def __init__(self) -> None:
        self.tests: list[TestCase] = []

    def visit_test(self, test: TestCase) -> None:
        self.tests.append(test)


def _name(test: TestCase) -> str:
    """The name of a test with that of its suite's file: the same on every board."""
    return f"{Path(test.source).stem}: {test.name}"


def read(*outputs: Path) -> Results:
    """The results in output.xml files, or robot_output.xml from Renode.

    Raises UserError if one is missing or broken, as after a run that was cut short.
    """
    collector = _Collector()
    for output in outputs:
        try:
            ExecutionResult(output, include_keywords=False).visit(collector)
        except (DataError, OSError):
            raise UserError(
                f"No test results in {shown(output)}: the run ended before it could write them."
            ) from None
    passed, failed, skipped = (
        [test for test in collector.tests if test.status == status] for status in ("PASS", "FAIL", "SKIP")
    )
    return Results(
        Counts(len(passed), len(failed), len(skipped)),
        frozenset(map(_name, passed + failed)),
        {_name(test): test.message for test in skipped},
    )
