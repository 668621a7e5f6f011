"""Networks compiled for the chip without the rest of the firmware, for the emulated Cortex-M3."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from common.errors import UserError
from common.paths import FIRMWARE, shown
from compiler import target
from tooling import build as builds
from tooling import processes

# Definitions that select a network's kernels; without, the fastest ones, with their assembly.
REFERENCE_KERNELS = "-DNETWORK_REFERENCE_KERNELS"
PORTABLE_KERNELS = "-DNETWORK_PORTABLE"

_COMPILE_LIMIT = 120.0  # seconds


def compile_network(folder: Path, definition: str = "") -> Path:
    """The ELF of the model.c in a folder, beside it. Raises UserError if it does not compile."""
    elf = folder / f"model{definition}.elf"
    sources = [folder / "model.c", FIRMWARE / "network" / "network.c"]
    return compile_sources(sources, elf, "network_run", [definition] if definition else [])


def compile_sources(sources: Sequence[Path], elf: Path, entry: str, options: Sequence[str] = ()) -> Path:
    """C files and libgcc as an ELF, compiled by the command of the Blue Pill's model.c, which must be built.

    Raises UserError if they do not compile.
    """
    directory, (compiler, *flags) = _firmware_command()
    flash, sram = target.memories()
    layout = [
        "-nostdlib",
        f"-Wl,--section-start=.text={flash.origin:#x}",
        f"-Wl,-Tbss={sram.origin:#x}",
        f"-Wl,-e,{entry}",
    ]
    finished = processes.run(
        [compiler, f"-I{elf.parent}", *flags, *options, *sources, *layout, "-lgcc", "-o", elf],
        cwd=directory,
        timeout=_COMPILE_LIMIT,
        capture=True,
    )
    if finished.status:
        print(finished.output.rstrip())
        raise UserError(f"{shown(sources[0])} does not compile: the reason is in the lines above.")
    return elf


def compiler_version() -> str:
    """The first line of `gcc --version` of the compiler that builds the firmware. Raises UserError."""
    directory, (compiler, *_) = _firmware_command()
    finished = processes.run([compiler, "--version"], cwd=directory, timeout=_COMPILE_LIMIT, capture=True)
    return finished.output.splitlines()[0]


def _firmware_command() -> tuple[Path, list[str]]:
    """The folder and the command, without source and output, that compile the Blue Pill's model.c."""
    commands = json.loads((builds.image(builds.BLUEPILL).parent / "compile_commands.json").read_text())
    command = next(entry for entry in commands if entry["file"].endswith("/model.c"))
    arguments = shlex.split(command["command"])
    dropped = {place + k for flag in ("-o", "-c") for k in (0, 1) for place in [arguments.index(flag)]}
    kept = [argument for place, argument in enumerate(arguments) if place not in dropped]
    return Path(command["directory"]), kept
