"""A board in Python, as firmware/LINK.md describes it, on a wire in virtual time that can be damaged."""

import math
import re
from collections.abc import Callable, Iterable

import numpy as np

from host import link
from host.errors import LinkError

BYTE_SECONDS = 10 / 115200
BOOT_SECONDS = 0.02
NETWORK_SECONDS = 0.005
MAX_STUFFED = len(link.cobs_encode(bytes([1] * link.MAX_BODY)))
WEIGHTS = np.random.default_rng(1).integers(-127, 128, (link.CLASSES, link.MAX_PAYLOAD))

Wire = Callable[[bytes], bytes]


def logits_of(pixels: bytes) -> tuple[int, ...]:
    """The fake board's network."""
    return tuple(int(logit) for logit in WEIGHTS @ np.frombuffer(pixels, np.uint8).astype(int))


def label_of(logits: tuple[int, ...]) -> int:
    return logits.index(max(logits))


def unharmed(data: bytes) -> bytes:
    return data


class FakeBoard:
    """A `host.streams.Stream` with a board behind it; time passes only in `read` and `write`.

    `to_board` and `to_host` are the wires: they may change the bytes that pass. `garble(line)` may change,
    drop or add lines as the board says them. `reset_at` resets the board when so many more bytes have come.
    """

    def __init__(self) -> None:
        self.timeout: float | None = 0.0
        self.to_board: Wire = unharmed
        self.to_host: Wire = unharmed
        self.garble: Callable[[str], Iterable[str]] = lambda line: [line]
        self.reset_at: int | None = None
        self.link_version = link.VERSION
        self.selftest = "passed"
        self.closed = False
        self.rates = {115200, 1_000_000, 2_000_000}  # that the board can make
        self.bad_rates = {2_000_000}  # at which the wire passes nothing
        self.rate = self.baudrate = link.DEFAULT_BAUD  # the board's and the host's
        self.followed_by = math.inf
        self.requests: list[link.Frame] = []
        self._clock = 0.0
        self._outgoing = bytearray()  # to the host, the first byte at `_outgoing_at`
        self._outgoing_at = 0.0
        self._deaf_until = 0.0
        self._body: bytearray | None = None  # None: waits for a border
        self._last_byte_at = 0.0

    # --- The stream ---

    def now(self) -> float:
        return self._clock

    def read(self, size: int = 1) -> bytes:
        deadline = self._clock + (self.timeout or 0.0)
        self._let_pass(deadline)
        if not self._outgoing or self._outgoing_at > deadline:
            self._clock = deadline
            return b""
        self._clock = max(self._clock, self._outgoing_at)
        # All that has come by now, but for `size` bytes no waiting: `Board` copes with fewer.
        arrived = 1 + int((self._clock - self._outgoing_at) / BYTE_SECONDS)
        data = bytes(self._outgoing[: min(size, arrived)])
        del self._outgoing[: len(data)]
        self._outgoing_at += len(data) * BYTE_SECONDS
        return data

    def write(self, data: bytes) -> int:
        arriving = b"" if self._cannot_hear_each_other() else self.to_board(data)
        at = max(self._clock, self._last_byte_at)
        if self.reset_at is not None and self.reset_at <= len(arriving):
            before, arriving = arriving[: self.reset_at], arriving[self.reset_at :]
            self._receive(before, at)
            at += len(before) * BYTE_SECONDS
            self.boot("pin", at)
            self.reset_at = None
        elif self.reset_at is not None:
            self.reset_at -= len(arriving)
        self._receive(arriving, at)
        return len(data)

    def close(self) -> None:
        self.closed = True

    # --- The board ---

    def boot(self, reset: str = "power", at: float | None = None) -> None:
        at = self._clock if at is None else at
        self._body = None
        self._deaf_until = at + BOOT_SECONDS
        self.say(
            link.format_line(
                "boot", firmware="1.2.3", reset=reset, clock=72000000, source="hse", selftest=self.selftest
            ),
            at=self._deaf_until,
        )

    def say(self, *lines: str, at: float | None = None) -> None:
        """Sends lines to the host, the first byte not before `at`."""
        said = b"".join(f"{line}\r\n".encode() for spoken in lines for line in self.garble(spoken))
        self.send(said, at)

    def send(self, data: bytes, at: float | None = None) -> None:
        if not self._outgoing:
            self._outgoing_at = self._clock if at is None else at
        self._outgoing += self.to_host(data)

    def _cannot_hear_each_other(self) -> bool:
        if self.rate != self.baudrate and self._clock >= self.followed_by:
            self.rate = link.DEFAULT_BAUD
        return self.rate != self.baudrate or self.rate in self.bad_rates

    def _let_pass(self, until: float) -> None:
        """What the board does by itself until then: it reports a frame that broke off."""
        expiry = self._last_byte_at + link.TIMEOUT_MS / 1000
        if self._body and expiry <= until:
            count, self._body = len(self._body), None
            self._error("timeout", expiry, bytes=count)

    def _receive(self, data: bytes, at: float) -> None:
        """Takes bytes one after the other, the first of which begins to arrive at `at`."""
        missed = max(0, math.ceil((self._deaf_until - at) / BYTE_SECONDS))
        at += missed * BYTE_SECONDS
        for piece in re.findall(rb"\0|[^\0]+", data[missed:]):
            self._let_pass(at)
            at += len(piece) * BYTE_SECONDS
            self._last_byte_at = at
            if piece == link.BORDER:
                body, self._body = self._body, bytearray()
                if body:
                    self._answer(bytes(body), at)
            elif self._body is not None:
                self._body += piece
                if len(self._body) > MAX_STUFFED:
                    self._body = None
                    self._error("overlong", at, limit=link.MAX_BODY)

    def _error(self, name: str, at: float, **fields: object) -> None:
        self.say(link.format_line("error", name=name, **fields), at=at)

    def _answer(self, stuffed: bytes, at: float) -> None:
        try:
            frame = link.decode_frame(stuffed)
        except LinkError as error:
            self._error(error.name, at, **error.fields)
            return
        self.requests.append(frame)
        expected = {link.Command.CLASSIFY: link.MAX_PAYLOAD, link.Command.BAUD: 4}.get(frame.command, 0)
        if frame.version != self.link_version:
            self._error("version", at, seq=frame.sequence, version=frame.version)
        elif frame.command not in set(link.Command):
            self._error("command", at, seq=frame.sequence, command=frame.command)
        elif len(frame.payload) != expected:
            size = len(frame.payload)
            self._error("size", at, seq=frame.sequence, bytes=size, expected=expected)
        elif frame.command == link.Command.INFO:
            self.say(self.info_line(frame.sequence), at=at)
        elif frame.command == link.Command.BAUD:
            self._change_baud(frame, at)
        elif self.selftest != "passed":
            self._error("selftest", at, seq=frame.sequence, failed=self.selftest)
        else:
            self.say(*self.result_lines(frame), at=at + NETWORK_SECONDS)

    def _change_baud(self, frame: link.Frame, at: float) -> None:
        rate = int.from_bytes(frame.payload, "little")
        if rate in self.rates:
            self.say(link.format_line("baud", seq=frame.sequence, baud=rate), at=at)
            self.rate = rate
            self.followed_by = at + link.FOLLOW_MS / 1000
        else:
            self._error("baud", at, seq=frame.sequence, baud=rate, clock=72000000)

    def info_line(self, sequence: int, **changes: object) -> str:
        fields: dict[str, object] = {
            "seq": sequence,
            "link": self.link_version,
            "firmware": "1.2.3",
            "model": "linear",
            "checksum": "0badcafe",
            "clock": 72000000,
            "source": "hse",
            "rows": 28,
            "cols": 28,
            "classes": 10,
            "reset": "power",
            "selftest": self.selftest,
            "stack": 512,
        }
        return link.format_line("info", **(fields | changes))

    def result_line(self, frame: link.Frame, **changes: object) -> str:
        logits = logits_of(frame.payload)
        fields: dict[str, object] = {
            "seq": frame.sequence,
            "image": f"{frame.checksum:08x}",
            "label": label_of(logits),
            "logits": ",".join(map(str, logits)),
            "cycles": 31845,
            "finish": 12345,
        }
        return link.format_line("result", **(fields | changes))

    def result_lines(self, frame: link.Frame) -> list[str]:
        logits = logits_of(frame.payload)
        return [
            "Image data received successfully",
            "Starting inference...",
            self.result_line(frame),
            f"Predicted class: {label_of(logits)}",
            "Logits:",
            *(f"Class {number}: {logit / 100:.2f}" for number, logit in enumerate(logits)),
            "Ready for next image",
        ]
