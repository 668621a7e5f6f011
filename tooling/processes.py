"""Starting other programs so that they always end.

Every program is started from a list of arguments (never through a shell), without standard input, in a
process group of its own, with a time limit; and whatever happens here (an error, Ctrl-C, SIGTERM, a closed
terminal) the whole group is gone when the call returns.
"""

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

# Renode closes its emulation and Robot Framework writes its results when they are asked to end.
GRACE_SECONDS = 5.0


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP arrived: end as for Ctrl-C, so that every `finally` on the way is run."""


def raise_on_termination() -> None:
    """Let SIGTERM and SIGHUP raise `Terminated`; by default they would leave programs running."""

    def terminate(number: int, _frame: object) -> None:
        raise Terminated(signal.Signals(number).name)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, terminate)
        signal.signal(signal.SIGHUP, terminate)


@dataclass(frozen=True)
class Finished:
    """How a program ended, and what it printed (empty unless it was captured)."""

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
    """Run a program to its end. Its exit status is for the caller to judge.

    With `capture` standard output and standard error come back as one text instead of being shown. A program
    that must not be cut short (dpkg) is given with `interruptible=False`: an interrupt then takes effect at
    its end. Raises UserError when it cannot be started or takes longer than `timeout` seconds.
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
                print(
                    f"Interrupted; waiting for '{_name(arguments)}' to finish what it began.", file=sys.stderr
                )
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
    """Start a program and yield it; on leaving, it and all that it started are ended.

    `output` receives standard output and standard error; None shows them. With `hold_input` its standard
    input is a pipe that stays open and silent, for programs that end or spin when theirs closes. Raises
    UserError when it cannot be started.
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
    """End a program that `started` began, and its whole process group: politely, then by force."""
    for request in (signal.SIGINT, signal.SIGTERM):
        if process.poll() is not None:
            break
        _signal_group(process, request)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(timeout=grace)
    # Also when the program itself has ended: what it started may still be there.
    _signal_group(process, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            with suppress(OSError):
                stream.close()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # The group's number is the leader's. A group started through sudo belongs to root, and ends by itself.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _name(arguments: Sequence[str | Path]) -> str:
    return Path(arguments[0]).name
