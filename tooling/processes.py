"""Starting other programs so that they always end.

Each program starts from a list of arguments (never through a shell), without standard input, in its own
process group, with a time limit. Whatever ends the call (an error, Ctrl-C, SIGTERM, a closed terminal), the
whole group has ended when it returns.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from common.errors import UserError
from common.paths import ENVIRONMENT_BIN

# Time for Renode to close its emulation and for Robot Framework to write its results.
GRACE_SECONDS = 5.0


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP arrived. Ends the program as Ctrl-C does, so that every `finally` runs."""


def raise_on_termination() -> None:
    """Let SIGTERM and SIGHUP raise `Terminated`. By default they would leave programs running."""

    def terminate(number: int, _frame: object) -> None:
        raise Terminated(signal.Signals(number).name)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, terminate)
        signal.signal(signal.SIGHUP, terminate)


@dataclass(frozen=True)
class Finished:
    """A program's exit status, and what it printed if that was captured."""

    status: int
    output: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment with the project's own tools first on PATH, plus `extra`."""
    path = [str(ENVIRONMENT_BIN), *filter(None, os.environ.get("PATH", os.defpath).split(os.pathsep))]
    return {**os.environ, "PATH": os.pathsep.join(dict.fromkeys(path)), **(extra or {})}


def run(
    arguments: Sequence[str | Path],
    *,
    timeout: float,
    cwd: Path | None = None,
    extra_environment: Mapping[str, str] | None = None,
    capture: bool = False,
    interruptible: bool = True,
) -> Finished:
    """Run a program to its end. The caller judges its exit status.

    `capture` returns standard output and standard error as one text instead of showing them. With
    `interruptible=False` an interrupt takes effect only when the program has ended, as for dpkg. Raises
    UserError if it cannot be started or takes longer than `timeout` seconds.
    """
    output = subprocess.PIPE if capture else None
    with started(arguments, cwd=cwd, extra_environment=extra_environment, output=output) as process:
        try:
            text, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise UserError(
                f"'{_name(arguments)}' did not finish within {timeout:g} seconds and was ended."
            ) from None
        except KeyboardInterrupt:
            if not interruptible:
                print(f"Interrupted; waiting for '{_name(arguments)}' to finish.", file=sys.stderr)
                with suppress(subprocess.TimeoutExpired):
                    process.communicate(timeout=timeout)
            raise
    return Finished(process.returncode, text.decode(errors="replace") if text else "")


@contextmanager
def started(
    arguments: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    extra_environment: Mapping[str, str] | None = None,
    output: IO[bytes] | int | None = None,
    hold_input: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program and yield it; at the end of the block, it and all that it started are ended.

    `output` receives standard output and standard error; None shows them. With `hold_input` its standard
    input is a pipe that stays open and silent, for programs that end or spin when it closes. Raises UserError
    if it cannot be started.
    """
    sys.stdout.flush()
    try:
        process = subprocess.Popen(
            [os.fspath(argument) for argument in arguments],
            cwd=cwd,
            env=environment(extra_environment),
            stdin=subprocess.PIPE if hold_input else subprocess.DEVNULL,
            stdout=output,
            stderr=None if output is None else subprocess.STDOUT,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise UserError(f"'{_name(arguments)}' was not found: './inv doctor' shows how to get it.") from None
    except OSError as error:
        raise UserError(f"'{_name(arguments)}' could not be started: {error.strerror}.") from None
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes], grace: float = GRACE_SECONDS) -> None:
    """End a program that `started` began, and its process group: SIGINT, SIGTERM, at last SIGKILL."""
    for request in (signal.SIGINT, signal.SIGTERM):
        if process.poll() is not None:
            break
        _signal_group(process, request)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(timeout=grace)
    # The program may have ended and left others running.
    _signal_group(process, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            with suppress(OSError):
                stream.close()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # The group has the leader's number. A group started through sudo belongs to root and ends by itself.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _name(arguments: Sequence[str | Path]) -> str:
    return Path(arguments[0]).name
