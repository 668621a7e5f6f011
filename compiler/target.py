"""The chip: its memories, read where the linker reads them, and its clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.paths import MEMORY_LAYOUT, shown

CLOCK = 72_000_000  # Hz, with the crystal

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


def memories(layout: Path = MEMORY_LAYOUT) -> tuple[Memory, Memory]:
    """The chip's flash and SRAM. Errors: UserError."""
    try:
        text = layout.read_text()
    except OSError as error:
        raise UserError(f"{shown(layout)} cannot be read: {error.strerror or error}.") from None
    found = {
        name: Memory(int(origin, 16), int(length) * 1024) for name, origin, length in _REGION.findall(text)
    }
    try:
        return found["FLASH"], found["SRAM"]
    except KeyError as error:
        raise UserError(
            f"{shown(layout)} has no line `{error.args[0]} (...) : ORIGIN = 0x..., LENGTH = ...K`."
        ) from None
