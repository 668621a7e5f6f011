"""The Blue Pill's firmware in Renode, running in real time."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.errors import UserError
from common.paths import RENODE_SCRIPT, ROOT, shown
from tooling import processes
from tooling.setup import renode
from tooling.simulate.simulation import RENODE, Simulation, check_port, log_file, wait_for

_START_LIMIT = 120.0  # seconds; a first start compiles, which took 15 s on a busy computer
_READY = "bluepill is running"
_FAILURE = r"(?:There was an error|Could not|No such command|Bad parameters)[^\n]*\n?[^\n]*"


@contextmanager
def start(elf: Path, port: int | None = None) -> Iterator[Simulation]:
    """Start the firmware with USART1 as a pseudo-terminal.

    With `port` it is Renode's TCP server instead, which listens on every interface: for systems without
    pseudo-terminals only. Raises UserError if Renode is missing or a command of the start script fails.
    """
    program = renode.require()
    if port is not None:
        check_port(port)
    with tempfile.TemporaryDirectory(prefix="bluepill-") as name:
        terminal = Path(name) / "usart1"
        if port is None:
            create = f'emulation CreateUartPtyTerminal "usart1" "{terminal}" false'
        else:
            create = f'emulation CreateServerSocketTerminal {port} "usart1" false'
        commands = [
            *load_commands(elf, Path(name)),
            create,
            "connector Connect sysbus.usart1 usart1",
        ]
        url = str(terminal) if port is None else f"socket://127.0.0.1:{port}"
        with running(program, commands, Path(name)) as (process, log_path):
            yield Simulation(RENODE, url, log_path, process)


@contextmanager
def running(
    program: Path, commands: list[str], folder: Path
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Renode after these commands and `start`, and its log. Raises UserError if a command fails."""
    with (
        log_file(RENODE) as (log_path, log),
        processes.started(
            [program, *console([*commands, "start", f'echo "{_READY}"'])],
            cwd=folder,
            extra_environment=renode.ENVIRONMENT,
            output=log,
            hold_input=True,
        ) as process,
    ):
        found = wait_for(rf"(?m)^{_READY}\s*$|{_FAILURE}", process, log_path, "Renode", _START_LIMIT)
        if not found.group().startswith(_READY):
            reason = " ".join(found.group().split())
            raise UserError(f"Renode refused its start script ({reason}): see {shown(log_path)}.")
        yield process, log_path


def load_commands(elf: Path, folder: Path) -> list[str]:
    """The monitor commands that load a firmware into a Blue Pill.

    Renode's monitor splits its lines at blanks, so `folder` gets links to the clone and to the ELF.
    """
    clone, firmware = folder / "clone", folder / "firmware.elf"
    clone.symlink_to(ROOT)
    firmware.symlink_to(os.path.abspath(elf))
    return [f"$elf=@{firmware}", f"include @{clone / RENODE_SCRIPT.relative_to(ROOT)}"]


def console(commands: list[str]) -> list[str]:
    """The options that run monitor commands on the standard streams.

    Without --console Renode would open a telnet port on every interface.
    """
    return ["--disable-gui", "--console", "--plain", "-e", "; ".join(commands)]
