"""Ways in which a wire changes the bytes that pass: functions for `FakeBoard.to_board` and `.to_host`."""

import itertools
from collections.abc import Callable, Iterable, Sequence

Wire = Callable[[bytes], bytes]


def pass_all(data: bytes) -> bytes:
    """An undamaged wire."""
    return data


def pass_nothing(_: bytes) -> bytes:
    """A cut wire."""
    return b""


def damage_first(damage: Wire) -> Wire:
    """Damages only what passes first."""
    return damage_each([[damage]])


def damage_each(damages: Iterable[Sequence[Wire] | None]) -> Wire:
    """Damages the n-th piece that passes with the n-th list of damages, and nothing after the last."""
    turns = itertools.chain(damages, itertools.repeat(None))

    def wire(data: bytes) -> bytes:
        for damage in next(turns) or ():
            data = damage(data)
        return data

    return wire


def lose(at: int, count: int = 1) -> Wire:
    return lambda data: data[:at] + data[at + count :]


def insert(at: int, extra: bytes) -> Wire:
    return lambda data: data[:at] + extra + data[at:]


def repeat(at: int, count: int) -> Wire:
    return lambda data: data[: at + count] + data[at:]


def swap(at: int, count: int) -> Wire:
    """Exchanges two neighbouring pieces of `count` bytes."""
    return lambda data: (
        data[:at] + data[at + count : at + 2 * count] + data[at : at + count] + data[at + 2 * count :]
    )


def flip_bit(at: int, bit: int = 0) -> Wire:
    """Flips a bit; `at` counts modulo the length of what passes."""

    def wire(data: bytes) -> bytes:
        if not data:
            return data
        position = at % len(data)
        return data[:position] + bytes([data[position] ^ 1 << bit]) + data[position + 1 :]

    return wire
