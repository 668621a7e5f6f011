"""A room in Python: mutmut makes the mutants and judges them, in a copy of the working tree.

mutmut runs, for each mutant, the tests that reach the changed function. Its limits: it changes functions and
methods, not constants of modules and classes, and not functions under a decorator.
"""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from importlib import util
from pathlib import Path

from common.errors import UserError
from common.paths import shown
from tooling import processes
from tooling.mutate.outcome import Change, Round, Survivor, Verdict
from tooling.mutate.rooms import Room, copy_tree

_FIRST_LIMIT = 1800.0  # making the mutants, and one run of the tests that records what they reach
_SHOW_LIMIT = 120.0
_NO_MUTANT = "no-such-mutant"

# Lines whose text only a person reads: messages of errors and what is printed.
_TEXT = (r"^\s*raise ", r"^\s*f?\"[^\"]*\"[,)]*$", r"\bprint\(")

# A mutant hangs if its tests take longer than this multiple of the time before, plus these seconds.
_TIME_LIMIT = ("timeout_multiplier = 3.0", "timeout_constant = 10.0")

# mutmut's exit status of a mutant's tests.
_SURVIVED = (0,)
_UNREACHED = (5, 33)
_UNJUDGED = (None, 2, 34, 35)


def run(room: Room, sample: int, seed: int, jobs: int, deadline: float) -> Round:
    """Judge a random sample of the room's mutants (all of them if `sample` is 0) until the deadline.

    Raises UserError if mutmut is missing or the unchanged code fails its tests.
    """
    if util.find_spec("mutmut") is None:
        raise UserError("mutmut is not installed: type './inv setup'.")
    tree = copy_tree(room.name)
    _configure(room, tree)
    log = tree.with_suffix(".log")
    _mutmut(tree, ["run", f"--max-children={jobs}", _NO_MUTANT], log, _FIRST_LIMIT)
    every = sorted(_statuses(tree))
    if not every or not (tree / "mutants" / "mutmut-stats.json").is_file():
        raise UserError(f"mutmut could not make the mutants of {room.name}: see {shown(log)}.")
    chosen = every if sample == 0 else random.Random(seed).sample(every, min(sample, len(every)))
    with suppress(UserError):  # the time is over: what has been judged counts
        arguments = ["run", f"--max-children={jobs}", *chosen]
        _mutmut(tree, arguments, log, max(1.0, deadline - time.monotonic()))
    statuses = _statuses(tree)
    if all(statuses[name] is None for name in chosen):
        raise UserError(f"mutmut judged none of the mutants of {room.name}: see {shown(log)}.")
    verdicts = {name: _verdict(statuses[name]) for name in chosen}
    survivors = tuple(
        Survivor(_change(tree, name), verdict)
        for name, verdict in sorted(verdicts.items())
        if verdict in (Verdict.SURVIVED, Verdict.UNREACHED)
    )
    return Round(room.name, len(every), len(chosen), Counter(verdicts.values()), survivors)


def _configure(room: Room, tree: Path) -> None:
    """Add mutmut's section to the copy's pyproject.toml."""
    others = sorted(path.name for path in tree.iterdir() if path.name not in room.sources)
    settings = {
        "source_paths": list(room.sources),
        "also_copy": others,
        "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": list(room.tests),
        "do_not_mutate_patterns": list(_TEXT),
        "process_isolation": "fork" if room.forks_safely else "forkserver",
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    lines += ["use_git_change_detection = false", "track_dependencies = false", *_TIME_LIMIT]
    with (tree / "pyproject.toml").open("a") as file:
        file.write("\n[tool.mutmut]\n" + "\n".join(lines) + "\n")


def _mutmut(tree: Path, arguments: Sequence[str], log: Path, limit: float) -> None:
    """Run mutmut in the copy; what it says goes to the log. Raises UserError at the time limit."""
    # torch's threads would share the cores with the other mutants; Python finds the copy before this tree.
    changed = tree / "mutants"
    changed.mkdir(exist_ok=True)  # Python never looks again into a folder of its path that was missing
    environment = {"PYTHONPATH": str(changed), "OMP_NUM_THREADS": "1"}
    with (
        log.open("ab") as output,
        processes.started(
            ["mutmut", *arguments], cwd=tree, extra_environment=environment, output=output
        ) as process,
    ):
        try:
            process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            raise UserError(f"mutmut did not finish within {limit:.0f} seconds.") from None


def _statuses(tree: Path) -> dict[str, int | None]:
    """The exit status of each mutant's tests; None for those that were not run."""
    statuses: dict[str, int | None] = {}
    for path in (tree / "mutants").rglob("*.meta"):
        statuses |= json.loads(path.read_text())["exit_code_by_key"]
    return statuses


def _verdict(status: int | None) -> Verdict:
    if status in _SURVIVED:
        return Verdict.SURVIVED
    if status in _UNREACHED:
        return Verdict.UNREACHED
    return Verdict.UNJUDGED if status in _UNJUDGED else Verdict.KILLED


def _change(tree: Path, name: str) -> Change:
    """What a mutant changes, from the difference that mutmut shows."""
    finished = processes.run(["mutmut", "show", name], cwd=tree, timeout=_SHOW_LIMIT, capture=True)
    return parse_difference(finished.output)


def parse_difference(text: str) -> Change:
    """The change in a unified difference."""
    lines = text.splitlines()
    file = next((line[4:].strip() for line in lines if line.startswith("--- ")), "")
    before = [line[1:].strip() for line in lines if line.startswith("-") and not line.startswith("--- ")]
    after = [line[1:].strip() for line in lines if line.startswith("+") and not line.startswith("+++ ")]
    return Change(file, " ".join(before), " ".join(after))
