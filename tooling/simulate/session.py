"""`sim`: a simulated board that keeps running, for picocom, `infer` or the user's own program."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from common.errors import UserError
from common.paths import BUILD, shown
from tooling.setup import renode as installed
from tooling.setup import tools
from tooling.simulate import native, qemu, renode, running
from tooling.simulate.simulation import (
    NATIVE,
    QEMU,
    RENODE,
    Simulation,
    check_port,
    check_simulator,
    free_port,
    has_terminals,
)
from tooling.simulate.tcp_bridge import bridged

LINK = BUILD / "usart1"

_POLL = 0.2  # seconds


def check(on: str, tcp_port: int) -> None:
    """Raises UserError if the simulator or the TCP port is unknown or not available."""
    check_simulator(on)
    check_port(tcp_port)
    if on == RENODE:
        installed.require()
    elif on == QEMU:
        tools.require(tools.QEMU)


def run(on: str, firmware: Path, *, tcp: bool = False, tcp_port: int = 0) -> None:
    """Boot the firmware, print how to talk to it, and stay until Ctrl-C.

    USART1 is the pseudo-terminal build/usart1. With `tcp`, on the native build, and without pseudo-terminals
    it is a TCP port of 127.0.0.1. Raises UserError if the board cannot be started or ends by itself.
    """
    with ExitStack() as stack:
        record = stack.enter_context(running.only_one())
        if on == NATIVE:
            _serve_native(firmware, tcp_port, record)
            return
        if tcp or tcp_port or not has_terminals():
            simulation = stack.enter_context(_start_tcp(on, firmware, tcp_port))
            url = simulation.url
        else:
            start = renode.start if on == RENODE else qemu.start_terminal
            simulation = stack.enter_context(start(firmware))
            stack.enter_context(_linked(simulation.url))
            url = str(LINK)
        record(url)
        _announce(on, url)
        _wait_for_end(simulation)
        raise UserError(f"{on} ended by itself: see {shown(simulation.log_path)}.")


def _announce(on: str, url: str) -> None:
    if not url.startswith("socket://"):
        url = shown(Path(url))
    print(f"The board is running on {on}; its USART1 is {url}. Type, in another terminal:")
    print(f"    ./inv infer --port {url} 7")
    if url.startswith("socket://"):
        host, port = url.removeprefix("socket://").split(":")
        print(f"    nc {host} {port}")
    else:
        print(f"    picocom -b 115200 {url}")
    print("Ctrl-C ends it.", flush=True)


def _wait_for_end(simulation: Simulation) -> None:
    while simulation.is_running:
        time.sleep(_POLL)


def _serve_native(firmware: Path, port: int, record: Callable[[str], None]) -> None:
    """Start the native board again for each client: it ends with its client."""
    port = port or free_port()
    url = f"socket://127.0.0.1:{port}"
    is_announced = False
    while True:
        with native.start(firmware, port) as simulation:
            if not is_announced:
                record(url)
                _announce(NATIVE, url)
            is_announced = True
            _wait_for_end(simulation)
            if simulation.process.returncode != 0:
                raise UserError(f"The native firmware ended by itself: see {shown(simulation.log_path)}.")


@contextmanager
def _start_tcp(on: str, firmware: Path, port: int) -> Iterator[Simulation]:
    """A simulation whose USART1 is a TCP port of the loopback interface."""
    if on == QEMU:
        with qemu.start(firmware, port) as simulation:
            yield simulation
    elif has_terminals():
        with renode.start(firmware) as simulation, bridged(simulation.url, port) as url:
            yield replace(simulation, url=url)
    else:
        print(
            "Without pseudo-terminals Renode's TCP port can be reached from the whole network, "
            "not only from this computer."
        )
        with renode.start(firmware, port or free_port()) as simulation:
            yield simulation


@contextmanager
def _linked(terminal: str) -> Iterator[None]:
    """The link build/usart1, the same name in every run, while the board runs."""
    LINK.unlink(missing_ok=True)
    LINK.symlink_to(os.path.realpath(terminal))
    try:
        yield
    finally:
        LINK.unlink(missing_ok=True)
