"""An image that arrives byte by byte while the network computes."""

from __future__ import annotations

import struct
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from common.errors import UserError
from compiler.target import CLOCK
from host import link
from tooling.measure.cortex_m3 import Machine

BAUD_RATES = (link.DEFAULT_BAUD, 1_000_000, 2_000_000)

_BITS_PER_BYTE = 10  # on the wire, with start and stop

# DMA1's channel 5 has stored one byte: CNDTR5 counts down from the receive buffer's size (RM0008, 13.4.4).
_RECEIVED_BYTE = {0x4002005C: 1023}
_LOOP_CYCLES = 45  # of the main loop around a byte, which is no function: by its listing


@dataclass(frozen=True)
class Arrival:
    """One inference whose image arrives meanwhile.

    request: bytes. after: cycles from the last byte to the logits. computing: cycles of the whole network.
    """

    baud: int
    request: int
    after: int
    computing: int


def arrive(
    machine: Machine, image: np.ndarray, baud: int, cycles_per_byte: int, expected: list[int]
) -> Arrival:
    """Run network_rows while the bytes of the request arrive, and network_finish after the last one.

    image: uint8 (channels, rows, columns). Raises UserError if the logits are not the expected ones.
    """
    body = link.make_body(link.Command.CLASSIFY, 0, image.tobytes())
    request = len(link.wrap_body(body))
    channels, rows, columns = image.shape
    before = link.HEADER_BYTES + (channels - 1) * rows * columns
    rows_end = [before + (row + 1) * columns for row in range(rows)]
    # The delimiter before the body, and what stuffing adds up to the end of each row of the last channel.
    taken_with = [len(link.DELIMITER) + len(link.cobs_encode(body[:end])) for end in rows_end]
    now, computing, taken = 0, 0, 0
    while taken < request:
        arrived = min(request, now * baud // (_BITS_PER_BYTE * CLOCK))
        now += (arrived - taken) * cycles_per_byte
        taken = arrived
        execution = machine.call("network_rows", image.tobytes(), bisect_right(taken_with, taken))
        if execution.value:
            now += execution.total.cycles
            computing += execution.total.cycles
        elif taken < request:
            now = max(now, cycles_on_the_wire(taken + 1, baud))
    logits = bytearray(4 * len(expected))
    finish = machine.call("network_finish", image.tobytes(), logits).total.cycles
    if list(struct.unpack(f"<{len(expected)}i", logits)) != expected:
        raise UserError("An image that arrives row by row gets other logits: the network is wrong.")
    after = now - cycles_on_the_wire(request, baud) + finish
    return Arrival(baud, request, after, computing + finish)


def cycles_per_byte(machine: Machine) -> int:
    """The processor's cycles for a byte within a frame: from the receive buffer to the receiver."""
    machine.set_words(_RECEIVED_BYTE)
    receiver = machine.symbols["receiver"]
    machine.call("link_receive", receiver, 0xFF)  # the code byte of a block, as a frame begins
    parts = (
        machine.call("board_receive", bytearray(1), bytearray(12)),
        machine.call("link_receive", receiver, 0x55),
    )
    return _LOOP_CYCLES + sum(part.total.cycles for part in parts)


def cycles_on_the_wire(count: int, baud: int) -> int:
    """The cycles that `count` bytes take, rounded up to whole cycles."""
    return -(-_BITS_PER_BYTE * CLOCK * count // baud)
