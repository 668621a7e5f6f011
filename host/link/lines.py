"""Lines: what the board sends to the host."""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from host.errors import CorruptAnswer
from host.link.constants import MAX_LINE

_LINE = re.compile(r"@(?P<name>[a-z]+)(?P<fields>(?: [a-z]+=[!-<>-~]+)*)")  # values: printable, no "="
_CHECKSUM = re.compile(r"[0-9a-fA-F]{8}")
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})?")
_CLASS_NAME = re.compile(r"[!-~]+")  # printable ASCII without blanks


@dataclass(frozen=True)
class Message:
    """A line for programs: `@name key=value ... #checksum`. The values of `fields` are text."""

    name: str
    fields: Mapping[str, str]

    def text(self, key: str) -> str:
        """The value of a field. Raises `CorruptAnswer` if it is missing."""
        try:
            return self.fields[key]
        except KeyError:
            raise CorruptAnswer(f"The board's @{self.name} line has no field '{key}'.") from None

    def number(self, key: str) -> int:
        """The value of a decimal field. Raises `CorruptAnswer` if it is not one integer."""
        return self._integer(key, self.text(key), 10, r"-?[0-9]{1,10}")

    def numbers(self, key: str) -> tuple[int, ...]:
        """The values of a field of decimal integers, comma-separated. Raises `CorruptAnswer` if it is not."""
        return tuple(self._integer(key, part, 10, r"-?[0-9]{1,10}") for part in self.text(key).split(","))

    def names(self, key: str) -> tuple[str, ...]:
        """The values of a field of names, comma-separated, unescaped. Raises `CorruptAnswer` if it is not."""
        names = tuple(_ESCAPE.sub(_unescape, part) for part in self.text(key).split(","))
        if not all(map(_CLASS_NAME.fullmatch, names)):
            raise CorruptAnswer(
                f"The board's @{self.name} line has {key}={shorten(self.text(key))}, no list of names."
            )
        return names

    def hexadecimal(self, key: str) -> int:
        """The value of a field of 8 hexadecimal digits. Raises `CorruptAnswer` if it is not."""
        return self._integer(key, self.text(key), 16, r"[0-9a-fA-F]{8}")

    def _integer(self, key: str, text: str, base: int, pattern: str) -> int:
        if not re.fullmatch(pattern, text):
            raise CorruptAnswer(f"The board's @{self.name} line has {key}={text}, which is not a number.")
        return int(text, base)


def is_message(line: str) -> bool:
    """Whether a line is for programs. All other lines are for people."""
    return line.startswith("@")


def parse_line(line: str) -> Message:
    """The message in a line without its line ending.

    Raises `CorruptAnswer` if the checksum is missing or wrong, or if the line is malformed.
    """
    content, mark, check = line.rpartition(" #")
    if not mark or not _CHECKSUM.fullmatch(check) or zlib.crc32(content.encode()) != int(check, 16):
        raise CorruptAnswer(f"A line from the board was damaged on the wire: {shorten(line)}.")
    match = _LINE.fullmatch(content)
    pairs = [field.split("=") for field in match["fields"].split()] if match else []
    fields = dict(pairs)
    if match is None or len(fields) < len(pairs):
        raise CorruptAnswer(f"A line from the board is malformed: {shorten(line)}.")
    return Message(match["name"], fields)


def format_line(name: str, /, **fields: object) -> str:
    """The line that the board sends for these fields, without its line ending."""
    content = " ".join([f"@{name}", *(f"{key}={value}" for key, value in fields.items())])
    return f"{content} #{zlib.crc32(content.encode()):08x}"


def escape_names(names: Sequence[str]) -> str:
    """The value of a field of names: comma-separated, with `,`, `=` and `%` inside a name escaped."""
    return ",".join(re.sub("[,=%]", lambda match: f"%{ord(match[0]):02x}", name) for name in names)


def _unescape(escape: re.Match[str]) -> str:
    """The character of an escape; a blank, which no name contains, if it lacks its two digits."""
    return chr(int(escape[1], 16)) if escape[1] else " "


def shorten(text: str, limit: int = 60) -> str:
    """`text` for an error sentence: in quotes, unprintable characters escaped, at most `limit` characters."""
    return ascii(text if len(text) <= limit else text[: limit - 3] + "...")


class LineBuffer:
    """Splits received bytes into lines.

    A line of more than `LIMIT` bytes cannot come from the board: it is dropped and reported once.
    """

    LIMIT = MAX_LINE

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._dropping = False

    def feed(self, data: bytes) -> None:
        """Adds received bytes."""
        self._bytes += data

    def pop(self) -> str | None:
        """The next complete line without its line ending, or None.

        Bytes outside ASCII become U+FFFD, so that the line fails its checksum and can be shown. Raises
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

    def _overlong(self, line: bytes) -> CorruptAnswer:
        text = shorten(line.decode("ascii", errors="replace"))
        return CorruptAnswer(f"The port sent a line of more than {self.LIMIT} bytes: {text}.")
