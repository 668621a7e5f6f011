"""Bytes and lines on a stream, with a time-out for each read and a sentence for each failure."""

import contextlib
import time
from collections.abc import Callable

from host import link
from host.errors import CorruptAnswer, NoAnswer, PortError
from host.streams import Stream

_READ_SIZE = 4096
_MAX_PENDING = 1 << 20


class Connection:
    """Sends bytes to a device and receives lines from it.

    `name`: what error sentences call the device. `on_line`: called with each line that arrives, also those
    for people.
    """

    def __init__(
        self, stream: Stream, name: str = "the board", on_line: Callable[[str], None] | None = None
    ) -> None:
        self.name = name
        self.on_line = on_line
        self.recent = b""
        """The last bytes received, at most `LineBuffer.LIMIT`."""
        self.understood = False
        """Whether any valid line for programs has arrived."""
        self.now: Callable[[], float] = getattr(stream, "now", time.monotonic)
        """The stream's clock in seconds."""
        self.baud = link.DEFAULT_BAUD
        """The rate of this side."""
        self.silence: float | None = None
        """Seconds without a byte that end a wait early; None: only its time-out does."""
        self._silent_at = 0.0
        self._sent_at = 0.0  # when the last byte given to the port has left it
        self._stream = stream
        self._lines = link.LineBuffer()

    def close(self) -> None:
        """Closes the stream, even if the adapter is gone."""
        with contextlib.suppress(OSError):
            self._stream.close()

    def set_baud(self, baud: int) -> None:
        """Sets the rate of this side, if the stream has one. Raises `PortError` if it cannot."""
        try:
            if hasattr(self._stream, "baudrate"):
                self._stream.baudrate = baud
        except (OSError, ValueError) as error:
            raise PortError(
                f"{self.name} cannot run at {baud} baud ({error}): choose another rate."
            ) from error
        self.baud = baud
        self._lines = link.LineBuffer()  # a line that began at the old rate is damaged

    def send(self, data: bytes) -> None:
        """Sends bytes unchanged. Raises `PortError` if the port is gone."""
        # The port may return before it has sent everything, and what it was given before goes first.
        sending = self.left_to_send() + link.BITS_PER_BYTE * len(data) / self.baud
        self._sent_at = self.now() + sending
        try:
            self._stream.write(data)
        except OSError as error:
            raise self._lost(error) from error
        self._expect_byte()

    def left_to_send(self) -> float:
        """Seconds until the port has sent everything."""
        return max(0.0, self._sent_at - self.now())

    def read_line(self, timeout: float) -> str:
        """The next line, without its ending.

        Raises `NoAnswer` after `timeout` seconds, `CorruptAnswer` for an endless line, `PortError`.
        """
        return self.read_line_until(self.now() + timeout)

    def read_message(self, timeout: float) -> link.Message:
        """The next line for programs; lines for people before it are skipped.

        Raises as `read_line`, and `CorruptAnswer` for a damaged line.
        """
        return self.read_message_until(self.now() + timeout)

    def read_message_until(self, deadline: float) -> link.Message:
        """As `read_message`, with a deadline by the stream's clock."""
        while not link.is_message(line := self.read_line_until(deadline)):
            pass
        message = link.parse_line(line)
        self.understood = True
        return message

    def read_line_until(self, deadline: float) -> str:
        """As `read_line`, with a deadline by the stream's clock."""
        while (line := self._lines.pop()) is None:
            remaining = min(deadline, self._silent_at if self.silence else deadline) - self.now()
            # An empty read has waited its full time, even if the clock says otherwise.
            if remaining <= 0 or not self._receive(remaining):
                raise NoAnswer(f"{self.name} sent no line before the time-out.")
        self._report(line)
        return line

    def discard_pending(self) -> None:
        """Drops what has arrived so far; at most 1 MiB, so that a device that never pauses cannot block."""
        for _ in range(_MAX_PENDING // _READ_SIZE):
            received = self._receive(0)
            with contextlib.suppress(CorruptAnswer):
                while (line := self._lines.pop()) is not None:
                    self._report(line)
            if not received:
                return

    def _report(self, line: str) -> None:
        if self.on_line:
            self.on_line(line)

    def _receive(self, timeout: float) -> bool:
        """Waits up to `timeout` seconds for bytes and takes all that have arrived. False if none did."""
        try:
            self._stream.timeout = timeout
            data = self._stream.read(1)
            if data:
                self._stream.timeout = 0
                data += self._stream.read(_READ_SIZE)
        except OSError as error:
            raise self._lost(error) from error
        if data:
            self._expect_byte()
        self._lines.feed(data)
        self.recent = (self.recent + data)[-link.LineBuffer.LIMIT :]
        return bool(data)

    def _expect_byte(self) -> None:
        self._silent_at = self.now() + self.left_to_send() + (self.silence or 0.0)

    def _lost(self, error: OSError) -> PortError:
        return PortError(
            f"The connection to {self.name} was lost ({error}): check that the adapter is plugged in "
            "or that the simulator runs, and retry."
        )
