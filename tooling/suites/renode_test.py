"""`renode-test`: Renode's own script of that name, made to do what one expects of it.

Renode 1.16.1 takes only arguments that end in "robot", drops folders without a word and ends with "Tests
finished successfully". This script stands before it on PATH: it builds the firmware where that is out of
date, expands folders into their suites, refuses to run no tests, and hands everything else over unchanged.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from robot.api import TestSuite
from robot.errors import DataError

from common.errors import UserError
from common.paths import ROBOT_RESULTS, shown
from host.errors import BoardError
from tooling import build, processes
from tooling.setup import provision, renode
from tooling.suites.robot_results import read

RESULTS = ROBOT_RESULTS / "renode"

_RUN_LIMIT = 3600.0

# Renode's options that take a value, which is therefore no suite (its tests/tests_engine.py and
# robot_tests_provider.py).
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


def main() -> None:
    """The console script. Ends with the exit status of Renode's script, or 1 after a sentence of its own."""
    processes.raise_on_termination()
    try:
        model = build.model_file()
        print(f"model: {shown(model)}", flush=True)
        status = run(sys.argv[1:], model)
    except (UserError, BoardError) as error:
        status = _say(str(error), 1)
    except processes.Terminated:
        status = _say("Ended from outside; Renode was ended as well.", 143)
    except KeyboardInterrupt:
        status = _say("Interrupted; Renode was ended as well.", 130)
    sys.exit(status)


def run(arguments: Sequence[str], model: Path) -> int:
    """Run the suites and folders among `arguments` on Renode, with the firmware of `model`.

    Returns the exit status of Renode's script.

    Raises UserError when there is no Renode, nothing to run, or nothing was run.
    """
    runner = renode.find_runner()
    if runner is None:
        reason = provision.provide_renode()
        runner = renode.find_runner()
    if runner is None:
        raise UserError(reason or "Renode was not found: type './inv setup'.")
    if {"-h", "--help"} & set(arguments):
        return processes.run([runner, *arguments], timeout=60).status

    if any(character.isspace() for character in f"{runner.resolve()}{Path.cwd()}"):
        raise UserError("Renode's renode-test breaks in folders with blanks in their path: move the clone.")

    options, suites = split(arguments)
    if count_tests(suites) == 0:
        raise UserError(
            "There is nothing to run: name a suite or a folder with suites, as in 'renode-test robot_tests/'."
        )
    provision.provide(*build.BOARDS[build.BLUEPILL].needs)
    build.build(build.BLUEPILL, model)

    results = results_directory(options)
    if results is None:
        results = RESULTS
        options = ["-r", str(results), *options]
    results.mkdir(parents=True, exist_ok=True)
    for old in _result_files(results):
        old.unlink()
    finished = processes.run(
        [runner, *variables(model, build.image(build.BLUEPILL, model)), *options, *suites],
        timeout=_RUN_LIMIT,
        extra_environment=renode.ENVIRONMENT,
    )
    counts = read(*_result_files(results)).counts
    if counts.executed == 0 and finished.status == 0:
        raise UserError(f"Renode ended well, but no test was executed ({counts.skipped} skipped).")
    return finished.status


def variables(model: Path, firmware: Path | None = None) -> list[str]:
    """Robot Framework's options for the model, and for the firmware that a simulator runs."""
    options = ["--variable", f"MODEL:{model}"]
    return [*options, "--variable", f"FIRMWARE:{firmware}"] if firmware else options


def split(arguments: Sequence[str]) -> tuple[list[str], list[Path]]:
    """The options among `arguments`, as they are, and the suites, with folders expanded.

    Raises UserError for a suite or folder that is not there.
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


def expand(path: Path) -> list[Path]:
    """The suites that `path` names: itself, or all below a folder, in the order of their names."""
    if path.is_dir():
        return sorted(suite for suite in path.rglob("*.robot") if suite.name != "__init__.robot")
    if path.suffix != ".robot" or not path.is_file():
        raise UserError(f"{path} is neither a folder nor a .robot file that is there.")
    return [path]


def count_tests(suites: Sequence[Path]) -> int:
    """How many tests `suites` hold. Raises UserError when one cannot be read."""
    try:
        return sum(
            TestSuite.from_file_system(str(suite), allow_empty_suite=True).test_count for suite in suites
        )
    except DataError as error:
        raise UserError(f"A suite cannot be read: {error}") from None


def results_directory(options: Sequence[str]) -> Path | None:
    """Where the caller wants the results, None when that was left open."""
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


def _say(sentence: str, status: int) -> int:
    print(f"renode-test: {sentence}", file=sys.stderr)
    return status
