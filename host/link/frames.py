"""Frames: what the host sends to the board."""

import struct
import zlib
from dataclasses import dataclass

from host.link import errors
from host.link.cobs import cobs_encode, decode_blocks
from host.link.constants import CHECKSUM_BYTES, DELIMITER, HEADER_BYTES, VERSION

_HEADER = struct.Struct("<BBHH")
_CHECKSUM = struct.Struct("<I")


@dataclass(frozen=True)
class Frame:
    """The content of a frame. `checksum` covers the other fields."""

    version: int
    command: int
    sequence: int
    payload: bytes
    checksum: int


def checksum(data: bytes) -> int:
    """The link's CRC-32, the same as zlib's and IEEE 802.3's."""
    return zlib.crc32(data)


def make_body(command: int, sequence: int, payload: bytes = b"", version: int = VERSION) -> bytes:
    """The body of a frame before stuffing: header, payload, checksum."""
    body = _HEADER.pack(version, command, sequence, len(payload)) + payload
    return body + _CHECKSUM.pack(checksum(body))


def body_checksum(body: bytes) -> int:
    """The checksum at the end of a body, which the answer to a classify request repeats."""
    value: int = _CHECKSUM.unpack(body[-CHECKSUM_BYTES:])[0]
    return value


def wrap_body(body: bytes) -> bytes:
    """The bytes on the wire for a body: stuffed, between two delimiters."""
    return DELIMITER + cobs_encode(body) + DELIMITER


def encode_frame(command: int, sequence: int, payload: bytes = b"") -> bytes:
    """The bytes on the wire for a request."""
    return wrap_body(make_body(command, sequence, payload))


def max_body(image_bytes: int) -> int:
    """The longest body that a board with images of this size takes: an image is the longest payload."""
    return HEADER_BYTES + image_bytes + CHECKSUM_BYTES


def decode_frame(stuffed: bytes, image_bytes: int) -> Frame:
    """The frame in `stuffed`, the bytes between two delimiters, checked as a board checks it.

    `image_bytes`: the size of that board's images. Raises the `LinkError` that the board would report.
    """
    body, complete = decode_blocks(stuffed)
    if len(body) > (limit := max_body(image_bytes)):
        raise errors.FrameOverlong({"limit": str(limit)})
    if len(body) < HEADER_BYTES + CHECKSUM_BYTES:
        raise errors.FrameShort({"bytes": str(len(body))})
    version, command, sequence, length = _HEADER.unpack_from(body)
    payload = body[HEADER_BYTES:-CHECKSUM_BYTES]
    if length != len(payload):
        raise errors.LengthMismatch({"length": str(length), "bytes": str(len(payload))})
    if not complete:
        raise errors.FrameStuffing({"bytes": str(len(body))})
    received, computed = body_checksum(body), checksum(body[:-CHECKSUM_BYTES])
    if received != computed:
        raise errors.ChecksumMismatch({"received": f"{received:08x}", "computed": f"{computed:08x}"})
    return Frame(version, command, sequence, payload, received)
