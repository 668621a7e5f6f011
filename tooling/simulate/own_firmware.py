"""`sim --elf`: the simulated chip with any firmware, its three USARTs, and what the chip complains of."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from common.errors import UserError
from common.paths import BUILD, RENODE_SCRIPT, shown
from tooling.setup import renode as installed
from tooling.simulate import renode
from tooling.simulate.simulation import check_port, has_terminals
from tooling.simulate.tcp_bridge import bridged

USARTS = ("usart1", "usart2", "usart3")

_POLL = 0.2  # seconds
_SHOWN_OFTEN = 3  # times that one complaint is printed
_COMPLAINT = re.compile(r"\[(?:WARNING|ERROR)\] (.*)")

# How Renode loads a file, by its suffix. A binary file begins at the start of flash.
_LOADERS = {
    ".elf": "sysbus LoadELF @{}",
    ".bin": "sysbus LoadBinary @{} 0x08000000; cpu VectorTableOffset 0x08000000",
    ".hex": "sysbus LoadHEX @{}; cpu VectorTableOffset 0x08000000",
}


def run(image: Path, script: Path | None, *, tcp: bool = False, tcp_port: int = 0) -> None:
    """Boot an .elf, .bin or .hex file, print where its USARTs are and what the chip warns of, until Ctrl-C.

    `script` holds Renode commands to run before the start. The USARTs are the pseudo-terminals build/usart1
    to usart3, or TCP ports of 127.0.0.1: `tcp_port` and the next two. Raises UserError if a file is missing
    or Renode refuses it.
    """
    loader = _checked_loader(image)
    if script and not script.is_file():
        raise UserError(f"There is no file {script}.")
    if not has_terminals():
        raise UserError("--elf needs pseudo-terminals, which this system lacks.")
    for k in range(len(USARTS) if tcp_port else 0):
        check_port(tcp_port + k)
    program = installed.require()
    with tempfile.TemporaryDirectory(prefix="bluepill-") as name, ExitStack() as stack:
        folder = Path(name)
        commands = _commands(image, loader, script, folder)
        process, log_path = stack.enter_context(renode.running(program, commands, folder))
        print(f"{shown(image)} is running on the simulated STM32F103C8. Its USARTs:")
        for k, usart in enumerate(USARTS):
            if tcp or tcp_port:
                url = stack.enter_context(bridged(str(folder / usart), tcp_port and tcp_port + k))
            else:
                url = shown(stack.enter_context(_linked(folder / usart, BUILD / usart)))
            print(f"    {usart.upper()}  {url}")
        print(
            f"The log is {shown(log_path)}. Warnings and errors of the chip follow; Ctrl-C ends it.",
            flush=True,
        )
        complaints = Complaints()
        while process.poll() is None:
            for line in complaints.new(log_path.read_text(errors="replace")):
                print(line, flush=True)
            time.sleep(_POLL)
        raise UserError(f"Renode ended by itself: see {shown(log_path)}.")


class Complaints:
    """What the chip warns of, taken from Renode's log as it grows; one that repeats is left out."""

    def __init__(self) -> None:
        self._read = 0
        self._times: dict[str, int] = {}

    def new(self, log: str) -> Iterator[str]:
        """The lines to print from the part of `log` that was not yet seen."""
        end = log.rfind("\n") + 1
        part, self._read = log[self._read : end], end
        for complaint in _COMPLAINT.findall(part):
            times = self._times[complaint] = self._times.get(complaint, 0) + 1
            if times < _SHOWN_OFTEN:
                yield complaint
            elif times == _SHOWN_OFTEN:
                yield f"{complaint} (again; not shown any more)"


def _checked_loader(image: Path) -> str:
    if not image.is_file():
        raise UserError(f"There is no file {image}.")
    loader = _LOADERS.get(image.suffix.lower())
    if loader is None and image.read_bytes()[:4] == b"\x7fELF":
        loader = _LOADERS[".elf"]
    if loader is None:
        raise UserError(f"{image} is neither an .elf, a .bin nor a .hex file.")
    return loader


def _commands(image: Path, loader: str, script: Path | None, folder: Path) -> list[str]:
    """Renode's monitor splits its lines at blanks, so `folder` gets links to the files."""
    board, firmware, extra = folder / "renode", folder / "firmware", folder / "extra.resc"
    board.symlink_to(RENODE_SCRIPT.parent)
    firmware.symlink_to(os.path.abspath(image))
    load = loader.format(firmware)
    commands = [
        'mach create "bluepill"',
        f"machine LoadPlatformDescription @{board / 'bluepill.repl'}",
        load,
        'macro reset "cpu VectorTableOffset 0x08000000"',
    ]
    for usart in USARTS:
        commands += [
            f'emulation CreateUartPtyTerminal "{usart}" "{folder / usart}" false',
            f"connector Connect sysbus.{usart} {usart}",
        ]
    if script:
        extra.symlink_to(os.path.abspath(script))
        commands.append(f"include @{extra}")
    return commands


@contextmanager
def _linked(terminal: Path, link: Path) -> Iterator[Path]:
    """A link in build/, the same name in every run, while the firmware runs."""
    link.parent.mkdir(exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(os.path.realpath(terminal))
    try:
        yield link
    finally:
        link.unlink(missing_ok=True)
