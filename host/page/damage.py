"""Experiments with a damaged wire: what is altered, and what the link promises to happen."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from host import link
from host.link import errors


@dataclass(frozen=True)
class Damaged:
    """A frame as it goes onto the wire. `altered`: what was done to it, in words."""

    data: bytes
    altered: str

    def expected_error(self, image_bytes: int) -> str:
        """The name of the error that a board with images of this size has to report; empty if none."""
        for frame in filter(None, self.data.split(link.DELIMITER)):
            try:
                link.decode_frame(frame, image_bytes)
            except errors.LinkError as problem:
                return problem.name
        return ""


def flip_bit(frame: bytes) -> Damaged:
    """Invert one bit of the stuffed body. It never makes a zero, which would end the frame there."""
    while True:
        position, bit = random.randrange(1, len(frame) - 1), random.randrange(8)
        before, after = frame[position], frame[position] ^ 1 << bit
        if after:
            break
    altered = f"Bit {bit} of byte {position} of {len(frame)} was inverted: {before:02x} became {after:02x}."
    return Damaged(frame[:position] + bytes([after]) + frame[position + 1 :], altered)


def lose_byte(frame: bytes) -> Damaged:
    """Leave out one byte of the stuffed body."""
    position = random.randrange(1, len(frame) - 1)
    altered = f"Byte {position} of {len(frame)}, {frame[position]:02x}, was lost."
    return Damaged(frame[:position] + frame[position + 1 :], altered)


def repeat_frame(frame: bytes) -> Damaged:
    """Send the frame twice."""
    return Damaged(frame + frame, f"The frame of {len(frame)} bytes was sent twice.")


EXPERIMENTS: dict[str, Callable[[bytes], Damaged]] = {
    "flip-bit": flip_bit,
    "lose-byte": lose_byte,
    "repeat-frame": repeat_frame,
}
