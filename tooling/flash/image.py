"""The image that is written into the chip's flash."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.paths import shown
from compiler.target import memories


@dataclass(frozen=True)
class Image:
    """A firmware as it is written, and what its vector table says."""

    path: Path
    size: int
    stack_pointer: int
    reset_vector: int


def check_image(path: Path) -> Image:
    """The image in a .bin file. Raises UserError when it is not one that this chip can start."""
    flash, sram = memories()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{shown(path)} cannot be read ({error.strerror}): type './inv build'.") from None
    if len(content) < 8:
        raise UserError(f"{shown(path)} is too short to hold a vector table: type './inv build'.")
    if len(content) > flash.length:
        raise UserError(
            f"{shown(path)} is {len(content):,} bytes long, and the chip's flash holds {flash.length:,}: "
            "choose a smaller model."
        )
    # ARMv7-M Architecture Reference Manual B1.5.3: word 0 is the initial stack pointer, word 1 the reset
    # vector.
    stack_pointer, reset = struct.unpack_from("<II", content)
    if stack_pointer - 4 not in sram or stack_pointer % 4:
        raise UserError(
            f"{shown(path)} is no image for this chip: stack pointer {stack_pointer:#010x} is not in SRAM."
        )
    if not reset & 1 or reset - 1 not in range(flash.origin, flash.origin + len(content)):
        raise UserError(
            f"{shown(path)} is no image for this chip: the reset vector {reset:#010x} is not code in it."
        )
    return Image(path, len(content), stack_pointer, reset)
