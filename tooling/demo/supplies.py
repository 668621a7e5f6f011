"""Where the page's board comes from: a simulator that it starts, or a serial port."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from host.streams import open_port
from tooling.inference.boards import SIMULATED_TIMEOUT, STARTERS
from tooling.simulate.simulation import NATIVE, QEMU, RENODE, Simulation

_NAMES = {RENODE: "Renode", QEMU: "QEMU", NATIVE: "the native build"}


class Simulated:
    """A board on a simulator that runs as long as the page."""

    answer_limit = SIMULATED_TIMEOUT
    cannot_unplug = ""

    def __init__(self, on: str, firmware: Path) -> None:
        self.name = _NAMES[on]
        self._on = on
        self._firmware = firmware
        self._running = ExitStack()
        self._simulation: Simulation | None = None

    def start(self) -> str:
        self._simulation = self._running.enter_context(STARTERS[self._on](self._firmware))
        return self._simulation.url

    def is_alive(self) -> bool:
        return self._simulation is not None and self._simulation.is_running

    def stop(self) -> None:
        self._simulation = None
        self._running.close()


class Port:
    """A board at a serial port."""

    answer_limit = 5.0
    cannot_unplug = "Pull the cable of the real board yourself."

    def __init__(self, url: str) -> None:
        self.name = f"the board at {url}"
        self._url = url

    def start(self) -> str:
        open_port(self._url).close()
        return self._url

    def is_alive(self) -> bool:
        return True  # reading from the port shows it

    def stop(self) -> None:
        pass
