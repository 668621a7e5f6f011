"""Which board answers: the one that runs, the one that is plugged in, or a simulated one for this call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

from common.errors import UserError
from common.paths import DEFAULT_MODEL
from tooling import build
from tooling.setup import provision, tools
from tooling.setup import renode as installed
from tooling.simulate import native, qemu, renode, running
from tooling.simulate.simulation import NATIVE, QEMU, RENODE, check_simulator

STARTERS = {RENODE: renode.start, QEMU: qemu.start, NATIVE: native.start}

# Seconds. On a computer with nine times as much work as cores Renode took 7 s for an image.
SIMULATED_TIMEOUT = 30.0


@dataclass(frozen=True)
class Choice:
    """A board at a port, or a simulator to start with a model. One of `port` and `simulator` is ''."""

    port: str = ""
    simulator: str = ""
    model: Path | None = None


def choose(port: str, on: str, model: str) -> Choice:
    """The board that the options name; without them a running or plugged-in one, else a simulator.

    Raises UserError if they contradict each other or the choice is not clear.
    """
    if port and (on or model):
        raise UserError("--port takes a running board; --on and --model start one: leave them out.")
    if on:
        check_simulator(on)
    if port or not (on or model):
        port = port or running.url() or _adapter()
    if port:
        return Choice(port)
    path = build.model_file(model or DEFAULT_MODEL)
    return Choice(simulator=on or best_simulator(path), model=path)


@dataclass(frozen=True)
class Ready:
    """A board that can be opened. counted: the unit of its cycle counter. timeout: seconds for an answer."""

    url: str
    counted: str = "cycles"
    timeout: float = 5.0


@contextmanager
def ready(choice: Choice) -> Iterator[Ready]:
    """The chosen board; a simulator runs until the end of the block.

    Raises UserError if the simulator cannot be started.
    """
    if choice.port:
        yield _simulated(choice.port) if running.is_at(choice.port) else Ready(choice.port)
        return
    assert choice.model
    firmware = built(choice.simulator, choice.model)
    print(f"Starting {choice.model.stem} on {choice.simulator}.", flush=True)
    with STARTERS[choice.simulator](firmware) as simulation:
        yield _simulated(simulation.url)


def built(simulator: str, model: Path) -> Path:
    """The firmware with a model for a simulator, built if it is out of date. Raises UserError."""
    if simulator == QEMU:
        qemu.require_room(model)
    board = build.SIMULATED[simulator]
    build.build(board, model)
    return build.image(board, model)


def _simulated(url: str) -> Ready:
    """A simulated board. Of the simulators only Renode has the cycle counter, and it counts instructions."""
    return Ready(url, "instructions", SIMULATED_TIMEOUT)


def _adapter() -> str:
    """The port of the only USB serial adapter, '' without one."""
    adapters = sorted(port.device for port in list_ports.comports() if port.vid is not None)
    if len(adapters) > 1:
        raise UserError(f"There are several serial adapters: choose one with --port ({', '.join(adapters)}).")
    return str(adapters[0]) if adapters else ""


def best_simulator(model: Path) -> str:
    """Renode if it is installed, else QEMU if the model fits it, else the native build."""
    if installed.find_renode() and not tools.missing(build.BOARDS[build.BLUEPILL].needs):
        return RENODE
    if not tools.missing([tools.QEMU, *build.BOARDS[build.QEMU_BOARD].needs]):
        try:
            qemu.require_room(model)
            return QEMU
        except qemu.TooLarge:
            pass
    provision.provide(*build.BOARDS[NATIVE].needs)
    return NATIVE
