"""The command line: Invoke's, with task groups, complete help, positional options and plain errors.

`task` defines a task and `install` extends the running program: `invoke` and `./inv` behave alike.
"""

from __future__ import annotations

import functools
import inspect
import os
import select
from collections.abc import Callable, Mapping
from typing import Any

import invoke
from invoke import Argument, Exit, ParseError, Program
from invoke.main import program as running_program

from common.errors import UserError
from common.paths import ROOT
from tooling import processes


def whole_number(text: Any) -> int:
    """The value of an option. Raises ParseError, where `int` would end Invoke in a traceback."""
    try:
        return int(text)
    except ValueError:
        raise ParseError(f"'{text}' is no whole number.") from None


class Task(invoke.Task):  # type: ignore[type-arg]
    """A task with its group in the list, and the names of its options' values."""

    group = ""
    values: Mapping[str, str] = {}
    positional_option = ""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        help_texts = dict(self.help)  # Invoke empties it
        arguments = super().get_arguments(ignore_unknown_help)
        self.help = help_texts
        annotations = {
            name: parameter.annotation for name, parameter in self.argspec(self.body).parameters.items()
        }
        for argument in arguments:
            if annotations[argument.name or ""] in ("int", "int | None"):
                argument.kind = whole_number
        return arguments

    def arg_opts(self, name: str, default: Any, taken_names: set[str]) -> dict[str, Any]:
        options: dict[str, Any] = super().arg_opts(name, default, {*taken_names, "h"})  # -h asks for help
        return options

    def value_name(self, argument: Argument) -> str:
        """What stands for an option's value in the help; '' for a flag."""
        if not argument.takes_value:
            return ""
        name = argument.name or ""
        default = "N" if argument.kind is whole_number else name.upper().replace("_", "-")
        return self.values.get(name, default)

    def help_rows(self) -> list[tuple[str, str]]:
        """One row for each argument, the positional one first: how to type it, and what it means."""
        rows: list[tuple[str, str]] = []
        for argument in self.get_arguments():
            value = self.value_name(argument)
            meaning = argument.help or ""
            if argument.takes_value and argument.default not in (None, "", [], inspect.Parameter.empty):
                meaning += f" (default: {argument.default})"
            if argument.name == self.positional_option:
                rows.insert(0, (value, meaning))
                continue
            flags = sorted(
                (f"-{name}" if len(name) == 1 else f"--{name}" for name in argument.names), key=len
            )
            rows.append((f"{', '.join(flags)} {value}".rstrip(), meaning))
        return rows


def task(
    *, group: str, values: Mapping[str, str] | None = None, positional: str = "", **options: Any
) -> Callable[[Callable[..., None]], Task]:
    """Make a function a task. An error that a user can correct ends it in one sentence.

    `values` names the values of options in the help. `positional` is the option whose name may be left out.
    """

    def decorate(function: Callable[..., None]) -> Task:
        name = options.get("name", function.__name__.replace("_", "-"))

        @functools.wraps(function)
        def run(context: invoke.Context, *arguments: Any, **keywords: Any) -> None:
            if context.config.run.dry:
                raise Exit(f"{name} has no dry mode of Invoke: leave --dry out.{_dry_run_hint(function)}", 1)
            try:
                function(context, *arguments, **keywords)
            except ModuleNotFoundError as error:
                raise Exit(missing_package(error), 1) from None
            except processes.Terminated:
                raise Exit(f"{name} was terminated; nothing is left running.", 143) from None
            except KeyboardInterrupt:
                raise Exit(f"\n{name} was interrupted; nothing is left running.", 130) from None
            except BrokenPipeError:
                if _stdout_is_open():
                    raise
                raise Exit(code=141) from None  # as a shell reports SIGPIPE
            except user_errors() as error:
                raise Exit(str(error), 1) from None

        made = Task(run, positional=[], **options)
        made.group, made.values, made.positional_option = group, values or {}, positional
        return made

    return decorate


def _stdout_is_open() -> bool:
    """Whether standard output has a reader. Without one, as behind `| head`, further output is dropped."""
    poll = select.poll()
    poll.register(1, 0)
    if not poll.poll(0):
        return True
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return False


def _dry_run_hint(function: Callable[..., None]) -> str:
    has_dry_run = "dry_run" in inspect.signature(function).parameters
    return " Its own option is --dry-run." if has_dry_run else ""


def user_errors() -> tuple[type[Exception], ...]:
    """The exceptions whose text is a sentence for the user."""
    from host.errors import BoardError

    return UserError, BoardError


def missing_package(error: ModuleNotFoundError) -> str:
    """How to get a missing Python package. Raises `error` if it is a module of this project."""
    package = (error.name or "").partition(".")[0]
    if not package or (ROOT / package).exists():
        raise error
    return (
        f"The Python package '{package}' is missing: type 'pip install -e .', or use ./inv instead of invoke."
    )


class TaskProgram(Program):
    """Invoke's program with the project's lists, help and positional arguments."""

    def list_flat(self) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for name, listed in self.scoped_collection.tasks.items():
            summary = (inspect.getdoc(listed) or "").partition("\n")[0]
            groups.setdefault(getattr(listed, "group", ""), []).append((name, summary))
        width = max(len(name) for rows in groups.values() for name, _ in rows)
        lines: list[str] = []
        for title, rows in groups.items():
            lines += [f"{title}:", *(f"  {name.ljust(width)}  {summary}" for name, summary in rows), ""]
        print("\n".join([*lines, "'./inv --help TASK' shows a task's options."]))

    def print_task_help(self, name: str) -> None:
        described = self.collection[name]
        rows = described.help_rows()
        positional = [row for row in rows if not row[0].startswith("-")]
        words = ["Usage: ./inv", name, *(f"[{word}]" for word, _ in positional)]
        print(" ".join([*words, "[options]"] if len(rows) > len(positional) else words))
        print(f"\n{inspect.getdoc(described)}\n")
        if rows:
            self.print_columns(rows)

    def parse_tasks(self) -> None:
        self.core.unparsed[:] = self._with_option_names(self.core.unparsed)
        super().parse_tasks()

    def no_tasks_given(self) -> None:
        self.list_tasks()
        raise Exit

    def _with_option_names(self, tokens: list[str]) -> list[str]:
        """The command line with names for positional options, which Invoke lacks."""
        contexts = self._make_parser().contexts
        named = []
        flags: Mapping[str, Argument] = {}
        positional, awaits_value = "", False
        for token in tokens:
            if awaits_value:
                awaits_value = False
            elif token.startswith("-") and token != "-":
                flag = flags.get(token)
                awaits_value = flag is not None and flag.takes_value
            elif token in contexts:
                flags = contexts[token].flags
                positional = getattr(self.collection[token], "positional_option", "")
            elif positional:
                token = f"--{positional}={token}"
            named.append(token)
        return named


def install() -> None:
    """Give the running Invoke the behaviour of TaskProgram; it offers no other hook to a tasks.py."""
    if type(running_program) is Program:
        running_program.__class__ = TaskProgram
