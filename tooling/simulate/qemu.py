"""The firmware on QEMU's stm32vldiscovery, an STM32F100.

That board has the Blue Pill's core, flash address and USART1, but no clock control (RCC) and less SRAM. The
firmware for it, firmware/boards/qemu, computes with the kernels that this SRAM has room for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.errors import UserError
from common.paths import shown
from tooling import build, processes, size
from tooling.setup import tools
from tooling.simulate.simulation import QEMU, Simulation, check_port, free_port, log_file, wait_for

SRAM = 8 * 1024  # bytes

_PORT_TRIES = 5


class TooLarge(UserError):
    """The firmware needs more SRAM than QEMU's board has."""


@contextmanager
def start(elf: Path, port: int = 0) -> Iterator[Simulation]:
    """Start the firmware with USART1 as a TCP port; it boots when the first client connects.

    `port` 0 takes any free one. Raises UserError if it does not start.
    """
    _check(elf)
    check_port(port)
    for _ in range(_PORT_TRIES):
        number = port or free_port()
        serial = f"tcp:127.0.0.1:{number},server=on,wait=on"
        with (
            log_file(QEMU) as (log_path, log),
            processes.started(_command(elf, serial), output=log) as process,
        ):
            found = wait_for(r"waiting for connection|Address already in use", process, log_path, "QEMU")
            if found.group() == "Address already in use":
                continue  # another program took the port in between
            yield Simulation(QEMU, f"socket://127.0.0.1:{number}", log_path, process)
            return
    raise UserError("QEMU found no free TCP port on 127.0.0.1 for its serial port: try again.")


@contextmanager
def start_terminal(elf: Path) -> Iterator[Simulation]:
    """Start the firmware with USART1 as a pseudo-terminal; it boots at once."""
    _check(elf)
    with (
        log_file(QEMU) as (log_path, log),
        processes.started(_command(elf, "pty"), output=log) as process,
    ):
        found = wait_for(r"redirected to (/\S+)", process, log_path, "QEMU")
        yield Simulation(QEMU, found.group(1), log_path, process)


def require_room(model: Path) -> None:
    """Raises TooLarge if a model needs more memory than QEMU's board has."""
    from compiler import model_file, resources

    needed = resources.measure(model_file.load(model), build.QEMU_BOARD)
    if not needed.fits:
        raise TooLarge(
            f"Model {needed.model} needs {needed.sram_needed:,} bytes of SRAM, and QEMU's board has "
            f"{SRAM:,}: use --on renode or --on native."
        )


def _check(elf: Path) -> None:
    tools.require(tools.QEMU)
    needed = size.measure(elf).sram
    if needed > SRAM:
        raise TooLarge(
            f"{shown(elf)} takes {needed:,} bytes of SRAM, and QEMU's board has {SRAM:,}: "
            f"type './inv build --board {build.QEMU_BOARD}' for a firmware that fits."
        )


def _command(elf: Path, serial: str) -> list[str | Path]:
    return [
        "qemu-system-arm", "-M", "stm32vldiscovery", "-kernel", elf,
        "-nographic", "-monitor", "none", "-serial", serial,
    ]  # fmt: skip
