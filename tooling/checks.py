"""`test`: every check that this machine can run, and a table of what ran where, and what did not and why."""

import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from common.errors import UserError
from common.paths import BUILD, FIRMWARE, ROOT, SUITES, shown
from host.errors import BoardError
from tooling import build, processes
from tooling.fuzz import fuzz
from tooling.setup import provision, tools
from tooling.simulate import simulators
from tooling.suites import suites
from tooling.suites.robot_results import Counts
from tooling.tables import table

_LINT_LIMIT = 300.0
_PYTEST_LIMIT = 1200.0
_PYTEST_RESULTS = BUILD / "pytest.xml"
_FUZZ_SECONDS = 60  # for all fuzzers together


@dataclass(frozen=True)
class Check:
    """One row of the table: what is checked, where, and how."""

    name: str
    where: str
    run: Callable[[], Counts]


@dataclass(frozen=True)
class Result:
    """How a check ended."""

    check: Check
    counts: Counts
    seconds: float
    note: str = ""

    @property
    def word(self) -> str:
        if self.counts.failed:
            return "FAILED"
        return "passed" if self.counts.passed else "not run"


class NotRun(Exception):
    """A check cannot be run on this machine. Its str() says why."""


def run() -> Counts:
    """Run all checks, whatever fails, and print the table; the counts of all tests, a lint step being one."""
    results = [_run(check) for check in _checks()]
    print()
    print(_table(results))
    total = sum((result.counts for result in results), Counts())
    print()
    print(total)
    return total


def _checks() -> list[Check]:
    """All checks, the quick ones first. The builds come before what needs them."""
    return [
        Check("ruff check", "python", lambda: _step(["ruff", "check", "."])),
        Check("ruff format", "python", lambda: _step(["ruff", "format", "--check", "."])),
        Check("robocop", "robot_tests", _robocop),
        Check("clang-format", "firmware", _clang_format),
        *(
            Check("warnings are errors", name, partial(_build, name))
            for name in build.BOARDS
            if name != build.FUZZ
        ),
        Check("pytest", "python", _pytest),
        *(Check("fuzzer", name, partial(_fuzz, name)) for name in fuzz.FUZZERS),
        Check("suites", "native, sanitizers", _sanitized_suites),
        Check("suites", "native", lambda: _suites(suites.NATIVE)),
        Check("suites", "QEMU", lambda: _suites(suites.QEMU)),
        Check("suites", "Renode", lambda: _suites(suites.RENODE)),
    ]


def _run(check: Check) -> Result:
    print(f"\n== {check.name} ({check.where}) ==", flush=True)
    begin = time.monotonic()
    try:
        counts, note = check.run(), ""
    except NotRun as reason:
        counts, note = Counts(skipped=1), str(reason)
    except (UserError, BoardError) as error:
        counts, note = Counts(failed=1), str(error)
    if note:
        print(note)
    return Result(check, counts, time.monotonic() - begin, note)


def _step(arguments: Sequence[str | Path]) -> Counts:
    """A linter: one test, passed when it ends with status 0."""
    status = processes.run(arguments, cwd=ROOT, timeout=_LINT_LIMIT).status
    return Counts(passed=1) if status == 0 else Counts(failed=1)


def _robocop() -> Counts:
    return _step(["robocop", "check", SUITES]) + _step(
        ["robocop", "format", "--check", "--no-overwrite", SUITES]
    )


def _clang_format() -> Counts:
    sources = sorted(path for suffix in ("c", "h") for path in FIRMWARE.rglob(f"*.{suffix}"))
    return _step(["clang-format", "--dry-run", "-Werror", *sources])


def _build(board: str) -> Counts:
    _need(*build.BOARDS[board].needs)
    if not build.build(board):
        print(f"{shown(build.image(board))} is up to date")
    return Counts(passed=1)


def _pytest() -> Counts:
    _PYTEST_RESULTS.unlink(missing_ok=True)
    status = processes.run(
        [sys.executable, "-m", "pytest", "--quiet", "-rs", f"--junit-xml={_PYTEST_RESULTS}"],
        cwd=ROOT,
        timeout=_PYTEST_LIMIT,
    ).status
    counts = _junit_counts(_PYTEST_RESULTS)
    if status != 0 and not counts.failed:
        raise UserError(f"pytest ended with status {status}: the reason is in the lines above.")
    return counts


def _junit_counts(path: Path) -> Counts:
    try:
        suite = ElementTree.parse(path).find("testsuite")
    except (OSError, ElementTree.ParseError):
        suite = None
    if suite is None:
        raise UserError("pytest ended before it could write its results.")
    total, failures, errors, skipped = (
        int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")
    )
    return Counts(total - failures - errors - skipped, failures + errors, skipped)


def _fuzz(target: str) -> Counts:
    if reason := fuzz.named(target).why_not():
        raise NotRun(reason)
    [outcome] = fuzz.run(_FUZZ_SECONDS // len(fuzz.FUZZERS), target)
    return Counts(failed=1) if outcome.failed else Counts(passed=1)


def _suites(simulator: str) -> Counts:
    if simulator == suites.RENODE:
        if reason := provision.provide_renode():
            raise NotRun(reason)
        _need(*build.BOARDS[build.BLUEPILL].needs)
    elif simulator == suites.QEMU:
        _need(tools.QEMU, *build.BOARDS[build.BLUEPILL].needs)
    else:
        _need(*build.BOARDS[build.NATIVE].needs)
    try:
        return _counts(suites.run(simulator, build.model_file()))
    except simulators.TooLarge as reason:
        raise NotRun(str(reason)) from None


def _sanitized_suites() -> Counts:
    board = build.BOARDS[build.SANITIZED]
    _need(*board.needs)
    build.build(build.SANITIZED)
    firmware = build.image(build.SANITIZED)
    return _counts(suites.run(suites.NATIVE, build.model_file(), firmware=firmware))


def _counts(outcome: suites.Outcome) -> Counts:
    if outcome.passed or outcome.counts.failed:
        return outcome.counts
    raise UserError(f"The suites ended with status {outcome.status}: see {shown(outcome.log)}.")


def _need(*needed: tools.Tool) -> None:
    missing = [tool for tool in needed if tool.path() is None]
    if missing:
        raise NotRun(
            f"{', '.join(tool.name for tool in missing)} not found: {tools.how_to_install(missing)}."
        )


def _table(results: Sequence[Result]) -> str:
    rows = [("check", "where", "result", "tests", "time", "note")]
    rows += [
        (
            result.check.name,
            result.check.where,
            result.word,
            _tests(result.counts),
            f"{result.seconds:.1f} s",
            result.note,
        )
        for result in results
    ]
    return table(rows)


def _tests(counts: Counts) -> str:
    parts = [str(counts.executed)]
    if counts.failed:
        parts.append(f"{counts.failed} failed")
    if counts.skipped and counts.executed:
        parts.append(f"{counts.skipped} skipped")
    return ", ".join(parts) if counts.executed else ""
