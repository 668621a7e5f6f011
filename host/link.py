"""The host's side of the wire format that firmware/LINK.md specifies: frames out, lines in."""

import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from host import errors

VERSION = 1
HEADER_BYTES = 6
CHECKSUM_BYTES = 4
MAX_PAYLOAD = 784
MAX_BODY = HEADER_BYTES + MAX_PAYLOAD + CHECKSUM_BYTES
TIMEOUT_MS = 50
DEFAULT_BAUD = 115200  # and the slowest
MAX_BAUD = 2_000_000
FOLLOW_MS = 500

IMAGE_ROWS = 28
IMAGE_COLS = 28
CLASSES = 10

BORDER = b"\0"


class Command(IntEnum):
    """What a frame asks for."""

    INFO = 1
    CLASSIFY = 2
    BAUD = 3


# In the order in which the board checks for them.
ERRORS: Mapping[str, type[errors.LinkError]] = {
    error.name: error
    for error in (
        errors.FrameTimeout,
        errors.FrameOverlong,
        errors.FrameShort,
        errors.LengthMismatch,
        errors.FrameStuffing,
        errors.ChecksumMismatch,
        errors.UnsupportedVersion,
        errors.UnknownCommand,
        errors.WrongImageSize,
        errors.UnsupportedBaud,
        errors.ReceiveOverrun,
        errors.LineNoise,
        errors.SelfTestFailed,
    )
}

_HEADER = struct.Struct("<BBHH")
_CHECKSUM = struct.Struct("<I")
_MAX_BLOCK = 254  # data bytes in one COBS block

_LINE = re.compile(r"@(?P<name>[a-z]+)(?P<fields>(?: [a-z]+=[!-<>-~]+)*)")  # values: printable, no "="
_CHECKSUM_TEXT = re.compile(r"[0-9a-fA-F]{8}")


# --- Frames, host to board ------------------------------------------------------------------------


@dataclass(frozen=True)
class Frame:
    """A frame's content. `checksum` covers all the rest."""

    version: int
    command: int
    sequence: int
    payload: bytes
    checksum: int


def checksum(data: bytes) -> int:
    """The link's CRC-32, the one of zlib and IEEE 802.3."""
    return zlib.crc32(data)


def make_body(command: int, sequence: int, payload: bytes = b"", version: int = VERSION) -> bytes:
    """The body of a frame: header, payload and checksum, before it is stuffed.

    Its last four bytes, little-endian, are the checksum that the answer to a classify request echoes.
    """
    body = _HEADER.pack(version, command, sequence, len(payload)) + payload
    return body + _CHECKSUM.pack(checksum(body))


def body_checksum(body: bytes) -> int:
    """The checksum at the end of a body."""
    return _CHECKSUM.unpack(body[-CHECKSUM_BYTES:])[0]


def wrap_body(body: bytes) -> bytes:
    """The bytes on the wire for a body: stuffed, between two borders."""
    return BORDER + cobs_encode(body) + BORDER


def encode_frame(command: int, sequence: int, payload: bytes = b"") -> bytes:
    """The bytes on the wire that ask the board for `command`."""
    return wrap_body(make_body(command, sequence, payload))


def decode_frame(stuffed: bytes) -> Frame:
    """The frame whose stuffed body, without borders, is `stuffed`: what the board's parser does.

    Raises the same `LinkError` as the board reports, found by the same checks in the same order.
    """
    body, whole = _unstuff(stuffed)
    if len(body) > MAX_BODY:
        raise errors.FrameOverlong({"limit": str(MAX_BODY)})
    if len(body) < HEADER_BYTES + CHECKSUM_BYTES:
        raise errors.FrameShort({"bytes": str(len(body))})
    version, command, sequence, length = _HEADER.unpack_from(body)
    payload = body[HEADER_BYTES:-CHECKSUM_BYTES]
    if length != len(payload):
        raise errors.LengthMismatch({"length": str(length), "bytes": str(len(payload))})
    if not whole:
        raise errors.FrameStuffing({"bytes": str(len(body))})
    received, computed = body_checksum(body), checksum(body[:-CHECKSUM_BYTES])
    if received != computed:
        raise errors.ChecksumMismatch({"received": f"{received:08x}", "computed": f"{computed:08x}"})
    return Frame(version, command, sequence, payload, received)


def cobs_encode(data: bytes) -> bytes:
    """`data` without zero bytes, by consistent overhead byte stuffing (Cheshire and Baker, 1999).

    Every block is its length plus one, then that many non-zero bytes; a zero follows each block but the
    last and those of full length. At most one byte longer for every 254 begun (one byte for no data).
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
    """The inverse of `cobs_encode`. Raises `FrameStuffing` where the last block is cut short."""
    data, whole = _unstuff(stuffed)
    if not whole:
        raise errors.FrameStuffing({"bytes": str(len(data))})
    return data


def _unstuff(stuffed: bytes) -> tuple[bytes, bool]:
    """The unstuffed bytes, and whether the last block was whole."""
    data = bytearray()
    position = 0
    while position < len(stuffed):
        code = stuffed[position]
        block = stuffed[position + 1 : position + code]
        data += block
        if len(block) < code - 1:
            return bytes(data), False
        position += code
        if code <= _MAX_BLOCK and position < len(stuffed):
            data.append(0)
    return bytes(data), True


# --- Lines, board to host -------------------------------------------------------------------------


@dataclass(frozen=True)
class Message:
    """A line for programs, as text: `@name key=value ... #checksum`."""

    name: str
    fields: Mapping[str, str]

    def text(self, key: str) -> str:
        """A field's value. Raises `CorruptAnswer` where it is missing."""
        try:
            return self.fields[key]
        except KeyError:
            raise errors.CorruptAnswer(f"The board's @{self.name} line has no field '{key}'.") from None

    def number(self, key: str) -> int:
        """A field that is a decimal integer. Raises `CorruptAnswer` where it is not."""
        return self._integer(key, self.text(key), 10, r"-?[0-9]{1,10}")

    def numbers(self, key: str) -> tuple[int, ...]:
        """A field of decimal integers with commas between. Raises `CorruptAnswer` where it is not."""
        return tuple(self._integer(key, part, 10, r"-?[0-9]{1,10}") for part in self.text(key).split(","))

    def hexadecimal(self, key: str) -> int:
        """A field of 8 hexadecimal digits. Raises `CorruptAnswer` where it is not."""
        return self._integer(key, self.text(key), 16, r"[0-9a-fA-F]{8}")

    def _integer(self, key: str, text: str, base: int, pattern: str) -> int:
        if not re.fullmatch(pattern, text):
            raise errors.CorruptAnswer(
                f"The board's @{self.name} line has {key}={text}, which is not the number it should be."
            )
        return int(text, base)


def is_message(line: str) -> bool:
    """Whether a line is for programs; all others are for people."""
    return line.startswith("@")


def parse_line(line: str) -> Message:
    """The message in a line, given without its line ending.

    Raises `CorruptAnswer` where the checksum is missing or wrong or the line is not in the link's form.
    """
    content, mark, check = line.rpartition(" #")
    if not mark or not _CHECKSUM_TEXT.fullmatch(check) or checksum(content.encode()) != int(check, 16):
        raise errors.CorruptAnswer(f"A line from the board was damaged on its way: {shorten(line)}.")
    match = _LINE.fullmatch(content)
    pairs = [field.split("=") for field in match["fields"].split()] if match else []
    fields = dict(pairs)
    if match is None or len(fields) < len(pairs):
        raise errors.CorruptAnswer(f"A line from the board is not in the link's form: {shorten(line)}.")
    return Message(match["name"], fields)


def format_line(name: str, /, **fields: object) -> str:
    """The line that the board would send for these fields, without its line ending."""
    content = " ".join([f"@{name}", *(f"{key}={value}" for key, value in fields.items())])
    return f"{content} #{checksum(content.encode()):08x}"


def error_from(message: Message) -> errors.LinkError:
    """The exception that stands for an @error line."""
    return ERRORS.get(message.fields.get("name", ""), errors.LinkError)(message.fields)


def shorten(text: str, limit: int = 60) -> str:
    """`text` in quotes, fit to be shown: unprintable characters escaped, cut to `limit` characters."""
    return ascii(text if len(text) <= limit else text[: limit - 3] + "...")


class LineBuffer:
    """Cuts the bytes that come in into lines.

    A longer line than `LIMIT` bytes cannot be the board's: it is dropped up to its end, and reported once.
    """

    LIMIT = 4096

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._dropping = False

    def feed(self, data: bytes) -> None:
        """Adds bytes as they came."""
        self._bytes += data

    def pop(self) -> str | None:
        """The next whole line without its line ending, or None where there is none yet.

        Bytes outside ASCII become U+FFFD, so that they fail the checksum and can be shown. Raises
        `CorruptAnswer` once for each line that is too long.
        """
        while (end := self._bytes.find(b"\n")) >= 0:
            line = bytes(self._bytes[:end]).removesuffix(b"\r")
            del self._bytes[: end + 1]
            if self._dropping:
                self._dropping = False
            elif len(line) > self.LIMIT:
                raise self._overlong(line)
            else:
                return line.decode("ascii", errors="replace")
        if self._dropping:
            self._bytes.clear()
        elif len(self._bytes) > self.LIMIT:
            beginning = bytes(self._bytes)
            self._bytes.clear()
            self._dropping = True
            raise self._overlong(beginning)
        return None

    def _overlong(self, line: bytes) -> errors.CorruptAnswer:
        text = shorten(line[:200].decode("ascii", errors="replace"))
        return errors.CorruptAnswer(f"A line of more than {self.LIMIT} bytes came from the port: {text}.")
