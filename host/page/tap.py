"""A stream that records what passes and damages the next frame on request."""

from __future__ import annotations

import time
from collections.abc import Callable

from host import link
from host.errors import BoardError
from host.page.damage import Damaged
from host.page.events import Transfer
from host.streams import Stream

_LINE_END = b"\n"


class Tap:
    """A stream between the client and the board.

    record: called with each frame sent and each line received.
    """

    def __init__(self, stream: Stream, record: Callable[[Transfer], None]) -> None:
        self.now: Callable[[], float] = getattr(stream, "now", time.monotonic)
        self.sent = b""
        """The last frame, as it should have been sent."""
        self.answer_bytes = 0
        """Bytes received after the last frame was sent, up to the last line for programs."""
        self._stream = stream
        self._record = record
        self._opened = self.now()
        self._line = b""
        self._received = 0
        self.damaged: Damaged | None = None
        """What became of the last frame that was damaged."""
        self._damage: Callable[[bytes], Damaged] | None = None

    def damage_next(self, damage: Callable[[bytes], Damaged]) -> None:
        """Damage the next frame that is sent."""
        self._damage = damage

    @property
    def timeout(self) -> float | None:
        return self._stream.timeout

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._stream.timeout = seconds

    @property
    def baudrate(self) -> int:
        """The stream's rate. Raises AttributeError if it has none."""
        return int(self._stream.baudrate)  # type: ignore[attr-defined]

    @baudrate.setter
    def baudrate(self, rate: int) -> None:
        self._stream.baudrate = rate  # type: ignore[attr-defined]

    def write(self, data: bytes) -> int | None:
        self.sent, self._received, self.answer_bytes = data, 0, 0
        on_wire = data
        if self._damage:
            self.damaged = self._damage(data)
            on_wire, self._damage = self.damaged.data, None
        self._record(Transfer(self.now() - self._opened, True, *_describe_frame(on_wire), on_wire))
        return self._stream.write(on_wire)

    def read(self, size: int = 1) -> bytes:
        data = self._stream.read(size)
        *lines, self._line = (self._line + data).split(_LINE_END)
        for line in lines:
            whole = line + _LINE_END
            self._received += len(whole)
            if line.startswith(b"@"):
                self.answer_bytes = self._received
            self._record(Transfer(self.now() - self._opened, False, *_describe_line(whole), whole))
        self._line = self._line[-link.LineBuffer.LIMIT :]
        return data

    def close(self) -> None:
        self._stream.close()


def _describe_frame(data: bytes) -> tuple[str, str]:
    """The kind of a frame, and what it means."""
    try:
        frame = link.decode_frame(data.strip(link.DELIMITER), link.MAX_LENGTH)
    except BoardError as problem:
        return "damaged", str(problem)
    try:
        name = link.Command(frame.command).name.lower()
    except ValueError:
        return "damaged", f"command {frame.command}, which the link does not have"
    return name, (
        f"{name}, sequence {frame.sequence}, payload {len(frame.payload)} bytes, "
        f"checksum {frame.checksum:08x}, version {frame.version}"
    )


def _describe_line(data: bytes) -> tuple[str, str]:
    """The kind of a line, and its text."""
    text = data.decode("ascii", errors="replace").rstrip("\r\n")
    if not link.is_message(text):
        return "text", text
    try:
        return link.parse_line(text).name, text
    except BoardError as problem:
        return "damaged", str(problem)
