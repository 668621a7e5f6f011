"""The chip: its memories, read where the linker reads them, and its clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.paths import BOARDS, CHIPS, shown

CLOCK = 72_000_000  # Hz, with the crystal

DEFAULT_BOARD = "bluepill"

# What the firmware takes without the network: flash for code and constants, SRAM for stack and buffers.
FIRMWARE_FLASH = 8_400
FIRMWARE_SRAM = 3_584

# Fast kernels and streaming fill no more SRAM than this, the firmware's own included: on a chip with 20 KiB,
# 4 KiB stay free.
SRAM_LIMIT = 16 * 1024

_SETTING = re.compile(r"^set\((CHIP\w*) (\w+)\)", re.MULTILINE)

_REGION = re.compile(
    r"^\s*(\w+)\s*\(\w+\)\s*:\s*ORIGIN\s*=\s*(0x[0-9a-fA-F]+)\s*,\s*LENGTH\s*=\s*(\d+)K\b", re.MULTILINE
)


@dataclass(frozen=True)
class Memory:
    """One memory of the chip: where it begins and how long it is, in bytes."""

    origin: int
    length: int

    def __contains__(self, address: int) -> bool:
        return self.origin <= address < self.origin + self.length


def memory_layout(board: str = DEFAULT_BOARD) -> Path:
    """The linker's file with the memories of a board's chip, as firmware/boards/README.md describes.

    Raises UserError if the board's description is missing or incomplete.
    """
    description = BOARDS / board / "board.cmake"
    settings = dict(_SETTING.findall(_read(description)))
    try:
        return CHIPS / settings["CHIP"] / "memory" / f"{settings['CHIP_MEMORY']}.ld"
    except KeyError as error:
        raise UserError(f"{shown(description)} has no line `set({error.args[0]} ...)`.") from None


def memories(layout: Path | None = None) -> tuple[Memory, Memory]:
    """Flash and SRAM of a chip, by default the default board's. Raises UserError if the file is broken."""
    layout = layout or memory_layout()
    found = {
        name: Memory(int(origin, 16), int(length) * 1024)
        for name, origin, length in _REGION.findall(_read(layout))
    }
    try:
        return found["FLASH"], found["SRAM"]
    except KeyError as error:
        raise UserError(
            f"{shown(layout)} has no line `{error.args[0]} (...) : ORIGIN = 0x..., LENGTH = ...K`."
        ) from None


@dataclass(frozen=True)
class Room:
    """What a chip leaves for the network, in bytes: flash for code and constants, SRAM for the arena."""

    flash: int
    arena: int


def room(board: str = DEFAULT_BOARD) -> Room:
    """The room for the network on a board's chip. Raises UserError if the memory layout cannot be read."""
    flash, sram = memories(memory_layout(board))
    return Room(flash.length - FIRMWARE_FLASH, min(sram.length, SRAM_LIMIT) - FIRMWARE_SRAM)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise UserError(f"{shown(path)} cannot be read: {error.strerror or error}.") from None
