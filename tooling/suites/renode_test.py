"""`renode-test`: the console script that stands before Renode's own on PATH.

It runs suites and folders on Renode, and takes Renode's options. Without Renode it runs them on QEMU, as
`sim-test` does; with RENODE_REQUIRED=1 in the environment that is an error.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from common.errors import UserError
from common.paths import DEFAULT_MODEL, shown
from tooling import build, processes
from tooling.command_line import missing_package, user_errors
from tooling.setup import renode
from tooling.suites import renode_runner, suites
from tooling.suites.selection import NO_SUITES, select

# Renode's options that Robot Framework has too: only these are kept on another simulator.
_ROBOTS_OPTIONS = ("--include", "--exclude", "--variable")


def main() -> None:
    """The console script. Ends with the exit status of Renode's script, or 1 after an own sentence."""
    processes.raise_on_termination()
    try:
        status = run(sys.argv[1:])
    except ModuleNotFoundError as error:
        status = _print_error(missing_package(error), 1)
    except processes.Terminated:
        status = _print_error("It was terminated; nothing is left running.", 143)
    except KeyboardInterrupt:
        status = _print_error("It was interrupted; nothing is left running.", 130)
    except user_errors() as error:
        status = _print_error(str(error), 1)
    sys.exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run the suites and folders among `arguments`; returns the exit status.

    Raises UserError if no simulator is available, or no test was selected or executed.
    """
    if {"-h", "--help"} & set(arguments):
        return _help(arguments)
    options, paths = renode_runner.split(arguments)
    if not paths:
        raise UserError(NO_SUITES)
    select(paths)
    name, options = take_model(options)
    model = build.model_file(name)
    choice = suites.choose("", model)
    print(f"{choice}\nmodel: {shown(model)}", flush=True)
    if choice.why_not_renode:
        options = for_robot(options)
    outcome = suites.run(choice, model, paths, options)
    print(outcome)
    return outcome.status or int(not outcome.passed)


def _help(arguments: Sequence[str]) -> int:
    runner = renode.find_runner()
    if runner is None:
        raise UserError("Renode, whose help this would be, was not found: type './inv setup'.")
    return processes.run([runner, *arguments], timeout=60).status


def take_model(options: Sequence[str]) -> tuple[str, list[str]]:
    """The model that `--variable MODEL:NAME` names, or the default one, and the other options."""
    name, others = DEFAULT_MODEL, []
    for option, value in _pairs(options):
        if option == "--variable" and value.startswith("MODEL:"):
            name = value.removeprefix("MODEL:")
        else:
            others += _words(option, value)
    return name, others


def for_robot(options: Sequence[str]) -> list[str]:
    """The options that Robot Framework takes too. Prints the others."""
    kept: list[str] = []
    dropped: list[str] = []
    for option, value in _pairs(options):
        (kept if option in _ROBOTS_OPTIONS else dropped).extend(_words(option, value))
    if dropped:
        print(f"Options for Renode only, which are left out: {' '.join(dropped)}")
    return kept


def _pairs(options: Sequence[str]) -> list[tuple[str, str]]:
    """Each option with its value, '' if it has none."""
    pairs: list[tuple[str, str]] = []
    for word in options:
        if word.startswith("--"):
            name, _, value = word.partition("=")
            pairs.append((name, value))
        elif word.startswith("-"):
            pairs.append((word, ""))
        else:
            pairs[-1] = (pairs[-1][0], word)
    return pairs


def _words(option: str, value: str) -> list[str]:
    return [option, value] if value else [option]


def _print_error(sentence: str, status: int) -> int:
    print(f"renode-test: {sentence}", file=sys.stderr)
    return status
