"""Running suites with Renode's own renode-test script.

Renode 1.16.1 takes only arguments that end in "robot", drops folders silently and ends with "Tests finished
successfully". Here folders are expanded, a run without a test is an error, and paths have no blanks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from common.errors import UserError
from common.paths import ROBOT_RESULTS, ROOT
from tooling import build, processes
from tooling.setup import renode
from tooling.suites.robot_results import Results, read
from tooling.suites.selection import expand

RESULTS = ROBOT_RESULTS / "renode"

_RUN_LIMIT = 3600.0

# Renode's options with a value, which is no suite (its tests_engine.py and robot_tests_provider.py).
_WITH_VALUE = {
    "-f", "--fixture", "-N", "--retry", "-o", "--output", "-t", "--tests", "-T", "--type", "-r",
    "--results-dir", "--include", "--exclude", "-j", "--jobs", "--save-logs", "--perf-output-path",
    "--runner", "-p", "--port", "-P", "--robot-framework-remote-server-port",
    "--robot-framework-remote-server-full-directory", "--robot-framework-remote-server-directory-prefix",
    "--robot-framework-remote-server-name", "--hot-spot", "--variable", "--css-file", "--cleanup-timeout",
    "--kill-timeout", "--listener", "--renode-config", "--test-timeout",
}  # fmt: skip
_WITH_NUMBER = {"-n", "--repeat"}
_RESULTS_OPTIONS = ("-r", "--results-dir")


def variables(model: Path, firmware: Path | None = None) -> list[str]:
    """Robot Framework's options for the model, and for the firmware that a simulator runs."""
    options = ["--variable", f"MODEL:{model}"]
    return [*options, "--variable", f"FIRMWARE:{firmware}"] if firmware else options


def run(suites: Sequence[Path], options: Sequence[str], model: Path) -> tuple[int, Results]:
    """Run suites on Renode with the built firmware of `model`; `options` go to Renode's script.

    Returns the script's exit status and the results. Raises UserError if Renode is missing or must not be
    started here, or if no test was executed.
    """
    renode.require()
    runner = renode.find_runner()
    assert runner is not None
    results = results_directory(options) or RESULTS
    results.mkdir(parents=True, exist_ok=True)
    for old in _result_files(results):
        old.unlink()
    firmware = build.image(build.BLUEPILL, model)
    with _without_blanks() as link:
        arguments: list[str | Path] = [
            *variables(link(model), link(firmware)),
            *([] if results_directory(options) else ["-r", str(link(results))]),
            *options,
            *(link(suite) for suite in suites),
        ]
        folder = link(Path.cwd())
        arguments.insert(0, link(runner))
        status = processes.run(
            arguments,
            cwd=folder,
            timeout=_RUN_LIMIT,
            extra_environment={**renode.ENVIRONMENT, "PWD": str(folder)},
        ).status
    found = read(*_result_files(results))
    if found.counts.executed == 0 and status == 0:
        raise UserError(f"Renode ended well, but no test was executed ({found.counts.skipped} skipped).")
    return status, found


def split(arguments: Sequence[str]) -> tuple[list[str], list[Path]]:
    """The options among `arguments`, unchanged, and the suites, with folders expanded.

    Raises UserError if a suite or folder is missing.
    """
    options: list[str] = []
    suites: list[Path] = []
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if argument.startswith("-"):
            options.append(argument)
            if rest and (argument in _WITH_VALUE or (argument in _WITH_NUMBER and rest[0].isdigit())):
                options.append(rest.pop(0))
        else:
            suites += expand(Path(argument))
    return options, suites


def results_directory(options: Sequence[str]) -> Path | None:
    """Where the caller wants the results, None if the options do not say."""
    chosen = None
    for option, value in zip(options, [*options[1:], ""], strict=False):
        name, has_value, attached = option.partition("=")
        if name in _RESULTS_OPTIONS:
            chosen = Path(attached if has_value else value)
        elif option.startswith("-r") and len(option) > 2:
            chosen = Path(option[2:])
    return chosen.absolute() if chosen else None


def _result_files(results: Path) -> list[Path]:
    return sorted(results.rglob("robot_output.xml"))


@contextmanager
def _without_blanks() -> Iterator[Callable[[Path], Path]]:
    """A function from a path to one without blanks, through links to the clone and the working folder.

    Renode's script and its monitor split paths at blanks. The function raises UserError for other paths with
    blanks.
    """
    with tempfile.TemporaryDirectory(prefix="bluepill-") as folder:
        links = {Path(folder) / "clone": ROOT, Path(folder) / "here": Path.cwd()}
        for link, target in links.items():
            link.symlink_to(target)

        def without_blanks(path: Path) -> Path:
            path = path.absolute()
            if not _has_blanks(path):
                return path
            for link, target in links.items():
                if path.is_relative_to(target):
                    path = link / path.relative_to(target)
                    break
            if _has_blanks(path):
                raise UserError(f"Renode cannot use {path}: it splits paths at blanks; rename the folder.")
            return path

        yield without_blanks


def _has_blanks(path: Path) -> bool:
    return any(map(str.isspace, str(path)))
