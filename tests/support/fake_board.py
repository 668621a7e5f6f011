"""A board in Python, as firmware/LINK.md describes it, on a wire in virtual time that can be damaged."""

import math
import re
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
from wire_damage import Wire, pass_all

from host import link
from host.link.errors import LinkError
from host.records import Prediction

BYTE_SECONDS = 10 / 115200
BOOT_SECONDS = 0.02
NETWORK_SECONDS = 0.005
MAX_STUFFED = len(link.cobs_encode(bytes([1] * link.MAX_BODY)))
WEIGHTS = np.random.default_rng(1).integers(-127, 128, (link.CLASSES, link.MAX_PAYLOAD))

IMAGE = np.random.default_rng(2).integers(0, 256, (28, 28)).astype(np.uint8)
OTHER_IMAGE = 255 - IMAGE


def logits_of(pixels: bytes) -> tuple[int, ...]:
    """The output of the fake board's network."""
    return tuple(int(logit) for logit in WEIGHTS @ np.frombuffer(pixels, np.uint8).astype(int))


def label_of(logits: tuple[int, ...]) -> int:
    return logits.index(max(logits))


def is_right(prediction: Prediction, image: npt.NDArray[np.uint8] = IMAGE) -> bool:
    """Whether a prediction is the fake board's for this image."""
    logits = logits_of(image.tobytes())
    return prediction.logits == logits and prediction.label == label_of(logits)


def replace_line(name: str, change: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """A `FakeBoard.garble` that replaces each line with this name by the lines that `change` returns."""
    return lambda line: change(line) if line.startswith(f"@{name} ") else [line]


class FakeBoard:
    """A `host.streams.Stream` with a board behind it; time passes only in `read` and `write`.

    `to_board` and `to_host` are the wires, which may change the bytes that pass. `garble(line)` may change,
    drop or add lines that the board sends. `reset_at`: reset the board after this number of received bytes.
    """

    def __init__(self) -> None:
        self.timeout: float | None = 0.0
        self.to_board: Wire = pass_all
        self.to_host: Wire = pass_all
        self.garble: Callable[[str], Iterable[str]] = lambda line: [line]
        self.reset_at: int | None = None
        self.link_version = link.VERSION
        self.selftest = "passed"
        self.network: Callable[[bytes], tuple[int, ...]] = logits_of
        self.logit_scale = 0.01  # of the lines for people
        self.model = {"model": "linear", "checksum": "0badcafe"}
        self.closed = False
        self.rates = {115200, 1_000_000, 2_000_000}  # that the board accepts
        self.bad_rates = {2_000_000}  # at which nothing passes the wire
        self.rate = self.baudrate = link.DEFAULT_BAUD  # the board's and the host's
        self.followed_by = math.inf
        self.requests: list[link.Frame] = []
        self._clock = 0.0
        self._outgoing = bytearray()  # to the host, the first byte at `_outgoing_at`
        self._outgoing_at = 0.0
        self._ignore_until = 0.0
        self._body: bytearray | None = None  # None: waits for a delimiter
        self._last_byte_at = 0.0

    # --- The stream ------------------------------------------------------------------------------

    def now(self) -> float:
        return self._clock

    def read(self, size: int = 1) -> bytes:
        deadline = self._clock + (self.timeout or 0.0)
        self._expire_frame(deadline)
        if not self._outgoing or self._outgoing_at > deadline:
            self._clock = deadline
            return b""
        self._clock = max(self._clock, self._outgoing_at)
        # At most what has arrived by now: this does not wait for `size` bytes.
        arrived = 1 + int((self._clock - self._outgoing_at) / BYTE_SECONDS)
        data = bytes(self._outgoing[: min(size, arrived)])
        del self._outgoing[: len(data)]
        self._outgoing_at += len(data) * BYTE_SECONDS
        return data

    def write(self, data: bytes) -> int:
        arriving = b"" if self._is_cut_off() else self.to_board(data)
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

    # --- The board -------------------------------------------------------------------------------

    def wait(self, seconds: float) -> None:
        """Lets time pass."""
        self._clock += seconds

    def ignore_bytes_until(self, at: float) -> None:
        """The board ignores what arrives before this time."""
        self._ignore_until = at

    def boot(self, reset: str = "power", at: float | None = None) -> None:
        at = self._clock if at is None else at
        self._body = None
        self._ignore_until = at + BOOT_SECONDS
        self.say(
            link.format_line(
                "boot", firmware="1.2.3", reset=reset, clock=72000000, source="hse", selftest=self.selftest
            ),
            at=self._ignore_until,
        )

    def say(self, *lines: str, at: float | None = None) -> None:
        """Sends lines to the host, the first byte not before `at`."""
        self.send(b"".join(f"{line}\r\n".encode() for said in lines for line in self.garble(said)), at)

    def send(self, data: bytes, at: float | None = None) -> None:
        if not self._outgoing:
            self._outgoing_at = self._clock if at is None else at
        self._outgoing += self.to_host(data)

    def _is_cut_off(self) -> bool:
        if self.rate != self.baudrate and self._clock >= self.followed_by:
            self.rate = link.DEFAULT_BAUD
        return self.rate != self.baudrate or self.rate in self.bad_rates

    def _expire_frame(self, until: float) -> None:
        """Reports an unfinished frame whose time-out expires before `until`."""
        expiry = self._last_byte_at + link.TIMEOUT_MS / 1000
        if self._body and expiry <= until:
            count, self._body = len(self._body), None
            self._error("timeout", expiry, bytes=count)

    def _receive(self, data: bytes, at: float) -> None:
        """Receives bytes, the first of which begins to arrive at `at`."""
        missed = max(0, math.ceil((self._ignore_until - at) / BYTE_SECONDS))
        at += missed * BYTE_SECONDS
        for piece in re.findall(rb"\0|[^\0]+", data[missed:]):
            self._expire_frame(at)
            at += len(piece) * BYTE_SECONDS
            self._last_byte_at = at
            if piece == link.DELIMITER:
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
        sizes: dict[int, int] = {link.Command.CLASSIFY: link.MAX_PAYLOAD, link.Command.BAUD: 4}
        expected = sizes.get(frame.command, 0)
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
            **self.model,
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
        logits = self.network(frame.payload)
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
        logits = self.network(frame.payload)
        return [
            "Image data received successfully",
            "Starting inference...",
            self.result_line(frame),
            f"Predicted class: {label_of(logits)}",
            "Logits:",
            *(f"Class {number}: {logit * self.logit_scale:.2f}" for number, logit in enumerate(logits)),
            "Ready for next image",
        ]
