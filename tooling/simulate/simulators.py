"""Boards that need no board: the firmware as a process, in QEMU, in Renode.

Each `start_...` is a context manager that yields a running `Simulation` and ends it, and every process it
took, on leaving. All of them listen on the loopback interface only.
"""

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
from common.paths import BUILD, LOGS, RENODE_SCRIPT, ROOT, shown
from tooling import processes
from tooling.measure import size
from tooling.setup import renode, tools

LINK = BUILD / "usart1"
QEMU_SRAM = 8 * 1024  # bytes: that of an STM32F100

_START_LIMIT = 20.0
_RENODE_START_LIMIT = 120.0  # a first start compiles; measured on a busy machine: 15 s
_POLL = 0.02
_PORT_TRIES = 5
_READY = "bluepill is running"


class TooLarge(UserError):
    """The firmware does not fit the simulator's board."""


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


@contextmanager
def start_native(firmware: Path, port: int = 0) -> Iterator[Simulation]:
    """The firmware as a process of this computer; it boots when a client connects and ends with it.

    `port` 0 takes any free one.
    """
    check_port(port)
    with (
        _log("native") as (log_path, log),
        processes.started([firmware, "--port", str(port)], output=log) as process,
    ):
        found = _wait_for(r"Listening on (\S+:\d+)", process, log_path, "the native firmware")
        yield Simulation("native", f"socket://{found.group(1)}", log_path, process)


@contextmanager
def start_qemu(elf: Path, port: int = 0) -> Iterator[Simulation]:
    """The Blue Pill's ELF on QEMU's stm32vldiscovery; it boots when the first client connects.

    That board has the same core, flash address and USART1, but no RCC and less SRAM.
    """
    _check_qemu(elf)
    check_port(port)
    for _ in range(_PORT_TRIES):
        number = port or free_port()
        serial = f"tcp:127.0.0.1:{number},server=on,wait=on"
        with (
            _log("qemu") as (log_path, log),
            processes.started(_qemu(elf, serial), output=log) as process,
        ):
            found = _wait_for(r"waiting for connection|Address already in use", process, log_path, "QEMU")
            if found.group() == "Address already in use":
                continue  # somebody else took the port in between
            yield Simulation("qemu", f"socket://127.0.0.1:{number}", log_path, process)
            return
    raise UserError("QEMU found no free TCP port on 127.0.0.1 for its serial port: try again.")


@contextmanager
def start_qemu_terminal(elf: Path) -> Iterator[Simulation]:
    """As `start_qemu`, with USART1 as a pseudo-terminal; it boots at once."""
    _check_qemu(elf)
    with (
        _log("qemu") as (log_path, log),
        processes.started(_qemu(elf, "pty"), output=log) as process,
    ):
        found = _wait_for(r"redirected to (/\S+)", process, log_path, "QEMU")
        yield Simulation("qemu", found.group(1), log_path, process)


def require_room_in_qemu(elf: Path) -> None:
    """Raises TooLarge where a firmware needs more SRAM than QEMU's board has."""
    needed = size.measure(elf).sram
    if needed > QEMU_SRAM:
        raise TooLarge(
            f"This firmware takes {needed:,} bytes of SRAM, and QEMU's board has {QEMU_SRAM:,}: "
            "use --on renode or --on native."
        )


def _check_qemu(elf: Path) -> None:
    """Raises UserError if QEMU cannot run that firmware."""
    tools.require(tools.QEMU)
    require_room_in_qemu(elf)


def _qemu(elf: Path, serial: str) -> list[str | Path]:
    return [
        "qemu-system-arm", "-M", "stm32vldiscovery", "-kernel", elf,
        "-nographic", "-monitor", "none", "-serial", serial,
    ]  # fmt: skip


@contextmanager
def start_renode(elf: Path, port: int | None = None) -> Iterator[Simulation]:
    """The Blue Pill's ELF in Renode, running in real time, with USART1 as a pseudo-terminal.

    With `port` it is Renode's own TCP server instead, which listens on every interface: for systems without
    pseudo-terminals only. A command that fails in the start script ends Renode, and is told in a UserError.
    """
    program = renode.find_renode()
    if program is None:
        raise UserError("Renode was not found: type './inv setup', or use --on qemu.")
    if port is not None:
        check_port(port)
    with tempfile.TemporaryDirectory(prefix="bluepill-") as folder:
        # A short path without blanks, wherever the clone lies: Renode's monitor splits its lines at them.
        terminal = Path(folder) / "usart1"
        elf_link = Path(folder) / "firmware.elf"
        elf_link.symlink_to(elf)
        create = (
            f'emulation CreateUartPtyTerminal "usart1" "{terminal}" false'
            if port is None
            else f'emulation CreateServerSocketTerminal {port} "usart1" false'
        )
        commands = [
            f"$elf=@{elf_link}",
            f"include @{RENODE_SCRIPT.relative_to(ROOT)}",
            create,
            "connector Connect sysbus.usart1 usart1",
            "start",
            f'echo "{_READY}"',
        ]
        # The monitor reads a standard input that stays silent: without --console it would open a telnet port
        # to everybody.
        arguments = [program, "--disable-gui", "--console", "--plain", "-e", "; ".join(commands)]
        with (
            _log("renode") as (log_path, log),
            processes.started(
                arguments, cwd=ROOT, extra_environment=renode.ENVIRONMENT, output=log, hold_input=True
            ) as process,
        ):
            failed = r"(?:There was an error|Could not|No such command|Bad parameters)[^\n]*\n?[^\n]*"
            found = _wait_for(
                rf"(?m)^{_READY}\s*$|{failed}", process, log_path, "Renode", _RENODE_START_LIMIT
            )
            if not found.group().startswith(_READY):
                raise UserError(
                    f"Renode refused its start script ({' '.join(found.group().split())}): "
                    f"see {shown(log_path)}."
                )
            yield Simulation(
                "renode", str(terminal) if port is None else f"socket://127.0.0.1:{port}", log_path, process
            )


def has_terminals() -> bool:
    """Whether this system has pseudo-terminals."""
    try:
        for descriptor in os.openpty():
            os.close(descriptor)
    except OSError:
        return False
    return True


def free_port() -> int:
    """A TCP port of the loopback interface that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check_port(port: int) -> None:
    """Raises UserError if that TCP port cannot be opened. Port 0 means any free one."""
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # a port of a connection that just ended is free
        try:
            probe.bind(("127.0.0.1", port))
        except OverflowError:
            raise UserError(f"{port} is no TCP port: choose one from 1024 to 65535.") from None
        except OSError as error:
            raise UserError(
                f"TCP port {port} cannot be used ({error.strerror}): choose another with --tcp-port."
            ) from None


@contextmanager
def _log(name: str) -> Iterator[tuple[Path, IO[bytes]]]:
    """A log file of its own for each simulation, however many run at once."""
    LOGS.mkdir(parents=True, exist_ok=True)
    descriptor, path = tempfile.mkstemp(prefix=f"{name}-", suffix=".log", dir=LOGS)
    _drop_old_logs(name)
    with os.fdopen(descriptor, "wb") as file:
        yield Path(path), file


def _drop_old_logs(name: str, keep: int = 20) -> None:
    with suppress(OSError):  # another simulation drops them too
        logs = sorted(LOGS.glob(f"{name}-*.log"), key=lambda path: path.stat().st_mtime)
        for path in logs[:-keep]:
            path.unlink()


def _wait_for(
    pattern: str, process: subprocess.Popen[bytes], log_path: Path, who: str, limit: float = _START_LIMIT
) -> re.Match[str]:
    """The first match of `pattern` in the log. Raises UserError when it does not come."""
    deadline = time.monotonic() + limit
    while True:
        has_ended = process.poll() is not None
        text = log_path.read_text(errors="replace")
        if found := re.search(pattern, text):
            return found
        if has_ended:
            last = next((line for line in reversed(text.splitlines()) if line.strip()), "it printed nothing")
            raise UserError(
                f"{who[0].upper()}{who[1:]} ended while starting ({last.strip()}): see {shown(log_path)}."
            )
        if time.monotonic() > deadline:
            raise UserError(
                f"{who[0].upper()}{who[1:]} was not ready after {limit:.0f} seconds: see {shown(log_path)}."
            )
        time.sleep(_POLL)
