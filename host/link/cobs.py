"""Consistent overhead byte stuffing (Cheshire and Baker, 1999), which removes zero bytes from data.

Own code instead of the package `cobs`, whose decoder says only that the input is wrong: the errors of LINK.md
name the number of bytes that a broken frame decodes to. The package is the tests' second opinion.
"""

from host.link.errors import FrameStuffing

_MAX_BLOCK = 254  # data bytes in one block


def cobs_encode(data: bytes) -> bytes:
    """`data` without zero bytes; longer by one byte for each 254 bytes begun, and at least by one.

    Each block is its length plus one, then its non-zero bytes. A zero follows each block except the last
    one and those of full length.
    """
    out = bytearray()
    runs = data.split(b"\0")
    for number, run in enumerate(runs, start=1):
        while len(run) >= _MAX_BLOCK:
            out.append(_MAX_BLOCK + 1)
            out += run[:_MAX_BLOCK]
            run = run[_MAX_BLOCK:]
            if not run and number == len(runs):
                return bytes(out)
        out.append(len(run) + 1)
        out += run
    return bytes(out)


def cobs_decode(stuffed: bytes) -> bytes:
    """The inverse of `cobs_encode`. Raises `FrameStuffing` if the last block is incomplete or a byte is 0."""
    data, complete = decode_blocks(stuffed)
    if not complete:
        raise FrameStuffing({"bytes": str(len(data))})
    return data


def decode_blocks(stuffed: bytes) -> tuple[bytes, bool]:
    """The decoded bytes up to the first zero in `stuffed`, and whether there was none and no block is cut."""
    encoded, zero, _ = stuffed.partition(b"\0")
    data = bytearray()
    position = 0
    while position < len(encoded):
        code = encoded[position]
        block = encoded[position + 1 : position + code]
        data += block
        position += code
        if len(block) < code - 1:
            return bytes(data), False
        if code <= _MAX_BLOCK and position < len(encoded):
            data.append(0)
    return bytes(data), not zero
