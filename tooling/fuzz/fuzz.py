"""The fuzzers: what they test, how they are built and run, and how they ended.

Each is libFuzzer, in C, or as Atheris in Python. It starts with the inputs in tests/corpus/, collects inputs
that reach new code in build/fuzzing/, and stops at the first violation, whose input it keeps. Link and
application are built for images of several shapes, and each build is a fuzzer of its target.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path

from common.errors import UserError
from common.paths import BUILD, MODELS, ROOT, shown
from compiler import untrained
from tooling import build, processes
from tooling.fuzz.seeds import CORPUS
from tooling.setup import tools

FUZZING = BUILD / "fuzzing"

_PROGRESS_EVERY = 60.0  # seconds
_GRACE = 120.0  # seconds beyond its time, to read the corpus and to end a slow input
_INPUT_LIMIT = 10  # seconds; an input that takes longer hangs
_MERGE_LIMIT = 600.0


@dataclass(frozen=True)
class Fuzzer:
    """One fuzzer: its target and what that is, its command, and its longest input."""

    name: str
    target: str
    tests: str
    command: tuple[str | Path, ...]
    max_bytes: int
    why_not: Callable[[], str]
    """Why it cannot run here, '' if it can."""
    prepare: Callable[[], object] = lambda: None
    more_seeds: tuple[Path, ...] = ()
    can_merge: bool = True
    """Whether it can restart itself, which libFuzzer needs to select from its corpus."""

    @property
    def seeds(self) -> Path:
        return CORPUS / self.target

    @property
    def corpus(self) -> Path:
        return FUZZING / "corpus" / self.name

    @property
    def log(self) -> Path:
        return FUZZING / f"{self.name}.log"


@dataclass(frozen=True)
class Outcome:
    """How a fuzzer ended. `why_not` says why it did not run; `reason` why it stopped before its time."""

    fuzzer: Fuzzer
    executions: int = 0
    coverage: int = 0
    features: int = 0
    seconds: float = 0.0
    reason: str = ""
    found: tuple[Path, ...] = ()
    why_not: str = ""

    @property
    def failed(self) -> bool:
        return bool(self.reason)

    def __str__(self) -> str:
        if self.why_not:
            return f"{self.fuzzer.name}: not run: {self.why_not}"
        figures = (
            f"{self.fuzzer.name}: {self.executions:,} executions in {self.seconds:.0f} s, "
            f"coverage {self.coverage}, features {self.features}"
        )
        if not self.failed:
            return f"{figures}, nothing found"
        lines = [f"{figures}, FAILED: {self.reason}; the log is {shown(self.fuzzer.log)}"]
        for path in self.found:
            command = " ".join(_typed(part) for part in [*self.fuzzer.command, path])
            lines.append(f"  {shown(path)}; to see it again: {command}")
        return "\n".join(lines)


def _typed(part: str | Path) -> str:
    return shown(part) if isinstance(part, Path) else part


def _why_not_in_c() -> str:
    absent = tools.missing(build.BOARDS[build.FUZZ].needs)
    return tools.not_found(absent) if absent else ""


def _why_not_in_python() -> str:
    if util.find_spec("atheris"):
        return ""
    return "Atheris is not installed: './inv fuzz' installs it for Python 3.11 to 3.13 on Linux."


def _in_c(target: str, tests: str, shape: str) -> Fuzzer:
    """The fuzzer of a target with images of a shape, a name in untrained.SHAPES."""
    model = FUZZING / "models" / f"{shape}.npz"
    program = build.image_path(build.FUZZ, model).with_name(f"fuzz_{target}")

    def prepare() -> None:
        untrained.save(model.parent)
        build.build(build.FUZZ, model)

    # An image takes nine bytes of an input; longer inputs are slower and reach no new code.
    title = f"{tests}, {shape}"
    return Fuzzer(f"{target}-{shape}", target, title, (program,), 512, _why_not_in_c, prepare)


FUZZERS = {
    fuzzer.name: fuzzer
    for fuzzer in (
        *(_in_c("link", "the link's receiver and its buffer", shape) for shape in untrained.SHAPES),
        *(_in_c("app", "the whole application on a simulated board", shape) for shape in untrained.SHAPES),
        Fuzzer(
            "model",
            "model",
            "the model file's reader",
            (Path(sys.executable), "-m", "tooling.fuzz.model_reader"),
            128 * 1024,
            _why_not_in_python,
            more_seeds=(MODELS,),
            can_merge=False,
        ),
    )
}


TARGETS = tuple(dict.fromkeys(fuzzer.target for fuzzer in FUZZERS.values()))


def choose(seconds: int, target: str = "") -> list[Fuzzer]:
    """The fuzzers that `target` names, or all. Raises UserError if the name or the time is wrong."""
    if seconds < 1:
        raise UserError(f"{seconds} is no number of seconds: choose 1 or more.")
    return named(target) if target else list(FUZZERS.values())


def run(fuzzers: Sequence[Fuzzer], seconds: int, *, must_run: bool = False) -> list[Outcome]:
    """Run each fuzzer for its share of `seconds`, and print the outcomes.

    A fuzzer that cannot run here is left out, or, with `must_run`, raises UserError.
    """
    outcomes = []
    for fuzzer in fuzzers:
        why_not = fuzzer.why_not()
        if why_not and must_run:
            raise UserError(why_not)
        outcome = (
            Outcome(fuzzer, why_not=why_not) if why_not else _run(fuzzer, max(1, seconds // len(fuzzers)))
        )
        print(outcome, flush=True)
        outcomes.append(outcome)
    return outcomes


def named(name: str) -> list[Fuzzer]:
    """The fuzzers of a target, or the one of that name. Raises UserError that lists the targets."""
    found = [fuzzer for fuzzer in FUZZERS.values() if name in (fuzzer.name, fuzzer.target)]
    if not found:
        raise UserError(f"There is no fuzzer '{name}': choose {', '.join(TARGETS)}.")
    return found


def keep(fuzzers: Sequence[Fuzzer]) -> None:
    """Add to tests/corpus/ the inputs of all runs that reach code which no input there reaches."""
    for fuzzer in fuzzers:
        if fuzzer.can_merge and fuzzer.corpus.is_dir() and not fuzzer.why_not():
            fuzzer.prepare()
            before = _count(fuzzer.seeds)
            _libfuzzer(fuzzer, ["-merge=1", "-use_counters=0", fuzzer.seeds, fuzzer.corpus], _MERGE_LIMIT)
            added = _count(fuzzer.seeds) - before
            print(f"{fuzzer.name}: {added} inputs added to {shown(fuzzer.seeds)}")


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())


def _run(fuzzer: Fuzzer, seconds: int) -> Outcome:
    fuzzer.prepare()
    print(f"{fuzzer.name}: fuzzing {fuzzer.tests} for {seconds} s", flush=True)
    begin = time.monotonic()
    status = _libfuzzer(
        fuzzer,
        [
            f"-max_total_time={seconds}",
            "-print_final_stats=1",
            fuzzer.corpus,
            fuzzer.seeds,
            *fuzzer.more_seeds,
        ],
        seconds + _GRACE,
    )
    log = fuzzer.log.read_text(errors="replace")
    coverage, features = _last(r"cov: (\d+) ft: (\d+)", log) or ("0", "0")
    executions = (
        _last(r"stat::number_of_executed_units: (\d+)", log) or _last(r"(?m)^#(\d+)\t", log) or ("0",)
    )
    return Outcome(
        fuzzer,
        int(executions[0]),
        int(coverage),
        int(features),
        time.monotonic() - begin,
        _reason(status, log),
        tuple(Path(path) for path in re.findall(r"Test unit written to (.+)", log)),
    )


def _libfuzzer(fuzzer: Fuzzer, arguments: Sequence[str | Path], limit: float) -> int:
    """Run a fuzzer and print its progress; returns its exit status. Raises UserError after `limit`."""
    found = FUZZING / "found"
    for folder in (fuzzer.corpus, fuzzer.seeds, found):
        folder.mkdir(parents=True, exist_ok=True)
    common = [
        f"-max_len={fuzzer.max_bytes}",
        f"-timeout={_INPUT_LIMIT}",
        f"-artifact_prefix={found}/{fuzzer.name}-",
    ]
    deadline = time.monotonic() + limit
    with (
        fuzzer.log.open("wb") as log,
        processes.started([*fuzzer.command, *common, *arguments], cwd=ROOT, output=log) as process,
    ):
        while time.monotonic() < deadline:
            try:
                return process.wait(timeout=min(_PROGRESS_EVERY, max(0.0, deadline - time.monotonic())))
            except subprocess.TimeoutExpired:
                if line := _last(r"(?m)^(#\d+\t.*?exec/s: \d+)", fuzzer.log.read_text(errors="replace")):
                    print(f"{fuzzer.name}: {' '.join(line[0].split())}", flush=True)
    raise UserError(
        f"The fuzzer {fuzzer.name} did not end in its time and was ended: see {shown(fuzzer.log)}."
    )


def _reason(status: int, log: str) -> str:
    """Why a fuzzer stopped before its time, '' if it did not."""
    if status == 0:
        return ""
    for pattern in (
        r"(?m)^(.*: check failed: .*)$",
        r"runtime error: (.*)",
        r"(?m)^ *(\w*(?:Error|Exception)\b.*)$",
    ):
        if found := re.search(pattern, log):
            return found.group(1).removeprefix(f"{ROOT}/")
    summary = _last(r"SUMMARY: (.*)", log)
    return summary[0] if summary else f"it ended with status {status}"


def _last(pattern: str, text: str) -> tuple[str, ...] | None:
    """The groups of the last match."""
    matches = list(re.finditer(pattern, text))
    return matches[-1].groups() if matches else None
