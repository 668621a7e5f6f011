"""A running simulated board, and what every simulator needs to start one."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from common.errors import UserError
from common.paths import LOGS, shown

RENODE = "renode"
QEMU = "qemu"
NATIVE = "native"
SIMULATORS = (RENODE, QEMU, NATIVE)

START_LIMIT = 20.0  # seconds

_POLL = 0.02
_LOGS_KEPT = 20


@dataclass(frozen=True)
class Simulation:
    """A running board: `url` is for `host.board.Board.open`, `log_path` holds what the simulator printed."""

    name: str
    url: str
    log_path: Path
    process: subprocess.Popen[bytes]

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None


def check_simulator(name: str) -> None:
    """Raises UserError if there is no simulator of that name."""
    if name not in SIMULATORS:
        raise UserError(f"There is no simulator '{name}': choose {', '.join(SIMULATORS)}.")


def check_port(port: int) -> None:
    """Raises UserError if that TCP port cannot be opened. Port 0 means any free one."""
    with socket.socket() as probe:
        # A port whose connection has just ended is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OverflowError:
            raise UserError(f"{port} is no TCP port: choose one from 1024 to 65535.") from None
        except OSError as error:
            raise UserError(
                f"TCP port {port} cannot be used ({error.strerror}): choose another with --tcp-port."
            ) from None


def free_port() -> int:
    """A TCP port of the loopback interface that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def has_terminals() -> bool:
    """Whether this system has pseudo-terminals."""
    try:
        for descriptor in os.openpty():
            os.close(descriptor)
    except OSError:
        return False
    return True


@contextmanager
def log_file(name: str) -> Iterator[tuple[Path, IO[bytes]]]:
    """A new log file for one simulation; the oldest ones are removed."""
    LOGS.mkdir(parents=True, exist_ok=True)
    descriptor, path = tempfile.mkstemp(prefix=f"{name}-", suffix=".log", dir=LOGS)
    with suppress(OSError):  # another simulation removes them too
        logs = sorted(LOGS.glob(f"{name}-*.log"), key=lambda log: log.stat().st_mtime)
        for old in logs[:-_LOGS_KEPT]:
            old.unlink()
    with os.fdopen(descriptor, "wb") as file:
        yield Path(path), file


def wait_for(
    pattern: str, process: subprocess.Popen[bytes], log_path: Path, who: str, limit: float = START_LIMIT
) -> re.Match[str]:
    """The first match of `pattern` in the log.

    Raises UserError if the process ends before, or after `limit` seconds.
    """
    deadline = time.monotonic() + limit
    while True:
        has_ended = process.poll() is not None
        text = log_path.read_text(errors="replace")
        if found := re.search(pattern, text):
            return found
        if has_ended:
            last = next((line for line in reversed(text.splitlines()) if line.strip()), "it printed nothing")
            raise UserError(f"{who} ended while starting ({last.strip()}): see {shown(log_path)}.")
        if time.monotonic() > deadline:
            raise UserError(f"{who} was not ready after {limit:.0f} seconds: see {shown(log_path)}.")
        time.sleep(_POLL)
