"""A pseudo-terminal in which a test types what a user types."""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class Terminal:
    """A program that runs in a pseudo-terminal."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self._process = process
        self._master = master
        self.text = ""

    def wait_for(self, pattern: str, timeout: float = 60.0) -> re.Match[str]:
        """The first match of `pattern` in what the program printed. Fails after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not (found := re.search(pattern, self.text)):
            assert self._read(deadline - time.monotonic()), f"no {pattern!r} in:\n{self.text}"
        return found

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def wait_for_end(self, timeout: float = 60.0) -> int:
        """The exit status of the program. Fails after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while self._read(deadline - time.monotonic()):
            pass
        return self._process.wait(max(0.1, deadline - time.monotonic()))

    def _read(self, timeout: float) -> bool:
        """Read what the program prints. Returns False at its end, and after `timeout` seconds."""
        if not select.select([self._master], [], [], max(0.0, timeout))[0]:
            return False
        try:
            data = os.read(self._master, 4096)
        except OSError:  # the last program closed the terminal
            return False
        self.text += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)


@contextmanager
def typed(arguments: Sequence[str], cwd: Path, env: dict[str, str]) -> Iterator[Terminal]:
    """Run a program in a pseudo-terminal that is its controlling terminal, so that Ctrl-C reaches it."""
    master, slave = os.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        arguments, cwd=cwd, env=env, stdin=slave, stdout=slave, stderr=slave,
        start_new_session=True, preexec_fn=take_terminal,
    )  # fmt: skip
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(20)
        os.close(master)
