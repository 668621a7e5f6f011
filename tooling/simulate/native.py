"""The firmware as a process of this computer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tooling import processes
from tooling.simulate.simulation import NATIVE, Simulation, check_port, log_file, wait_for


@contextmanager
def start(firmware: Path, port: int = 0) -> Iterator[Simulation]:
    """Start the native firmware; it boots when a client connects, and ends with the client.

    `port` 0 takes any free TCP port. Raises UserError if it does not start.
    """
    check_port(port)
    with (
        log_file(NATIVE) as (log_path, log),
        processes.started([firmware, "--port", str(port)], output=log) as process,
    ):
        found = wait_for(r"Listening on (\S+:\d+)", process, log_path, "The native firmware")
        yield Simulation(NATIVE, f"socket://{found.group(1)}", log_path, process)
