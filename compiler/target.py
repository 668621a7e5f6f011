"""The chip: its memories, read where the linker reads them, and its clock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.paths import BOARDS, CHIPS, shown

CLOCK = 72_000_000  # Hz, with the crystal

DEFAULT_BOARD = "bluepill"

# What the firmware takes without the network, and without what depends on its images and classes: flash for
# code and constants, SRAM for stack and buffers.
_FLASH = 8_340
_SRAM = 1_724

_POINTER = _LOGIT = 4  # bytes

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
class Firmware:
    """What the firmware takes without the network's layers, in bytes."""

    flash: int
    sram: int


def firmware(image_bytes: int, class_names: Sequence[str]) -> Firmware:
    """The firmware around a network with such images and classes: its class names and its buffers."""
    names = sum(len(name) + 1 + _POINTER for name in class_names)
    buffers = _longest_body(image_bytes) + receive_buffer_bytes(image_bytes, len(class_names))
    return Firmware(_FLASH + names, _SRAM + buffers + _LOGIT * len(class_names))


def receive_buffer_bytes(image_bytes: int, classes: int) -> int:
    """The size of the receive buffer: firmware/link/receive_buffer.h, which gives the reasons."""
    body = _longest_body(image_bytes)
    needed = min(body + body // 254 + 3, max(645, 66 + 38 * classes)) + 4
    return max(64, 1 << (needed - 1).bit_length())


def _longest_body(image_bytes: int) -> int:
    """firmware/link/link.h: LINK_MAX_BODY."""
    return 6 + image_bytes + 4


@dataclass(frozen=True)
class Room:
    """What a chip leaves for the network, in bytes: flash for code and constants, SRAM for the arena."""

    flash: int
    arena: int


def room(around: Firmware, board: str = DEFAULT_BOARD) -> Room:
    """The room for the network on a board's chip. Raises UserError if the memory layout cannot be read.

    around: the firmware around that network.
    """
    flash, sram = memories(memory_layout(board))
    return Room(flash.length - around.flash, min(sram.length, SRAM_LIMIT) - around.sram)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise UserError(f"{shown(path)} cannot be read: {error.strerror or error}.") from None
