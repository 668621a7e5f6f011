"""A board in Python, as firmware/LINK.md describes it, on a wire in virtual time that can be damaged."""

import math
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from wire_damage import Wire, pass_all

from host import link
from host.board import Board
from host.link.errors import LinkError
from host.records import Prediction

BOOT_SECONDS = 0.02
SHAPE = (1, 28, 28)
CLASS_NAMES = ("zero", "1", "two", "3", "4", "5", "6", "7", "eight", "9")

IMAGE = np.random.default_rng(2).integers(0, 256, SHAPE).astype(np.uint8)
OTHER_IMAGE = 255 - IMAGE


@cache
def _weights(classes: int, pixels: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(1).integers(-127, 128, (classes, pixels))


def logits_of(pixels: bytes, classes: int = len(CLASS_NAMES)) -> tuple[int, ...]:
    """The output of the fake board's network."""
    weights = _weights(classes, len(pixels))
    return tuple(int(logit) for logit in weights @ np.frombuffer(pixels, np.uint8).astype(int))


def label_of(logits: tuple[int, ...]) -> int:
    return logits.index(max(logits))


def is_right(prediction: Prediction, image: npt.NDArray[np.uint8] = IMAGE) -> bool:
    """Whether a prediction is the fake board's for this image."""
    logits = logits_of(image.tobytes(), len(prediction.logits))
    return prediction.logits == logits and prediction.label == label_of(logits)


def garbled(data: bytes, sent_at: int, received_at: int) -> bytes:
    """What a receiver at another rate makes of bytes: other bytes, and fewer if it is slower."""
    count = math.ceil(len(data) * min(1, received_at / sent_at))
    return bytes(byte | 0x80 for byte in data[:count])


def replace_line(name: str, change: Callable[[str], list[str]]) -> Callable[[str], list[str]]:
    """A `FakeBoard.garble` that replaces each line with this name by the lines that `change` returns."""
    return lambda line: change(line) if line.startswith(f"@{name} ") else [line]


def connect(fake: "FakeBoard", **options: Any) -> Board:
    """A client that has greeted the board. `options`: of `Board`."""
    board = Board(fake, **options)
    board.greet()
    fake.requests.clear()
    return board


class FakeBoard:
    """A `host.streams.Stream` with a board behind it; time passes only in `read` and `write`.

    `to_board` and `to_host` are the wires, which may change the bytes that pass. `garble(line)` may change,
    drop or add lines that the board sends. `reset_at`: reset the board after this number of received bytes.
    """

    def __init__(
        self, shape: tuple[int, int, int] = SHAPE, class_names: tuple[str, ...] = CLASS_NAMES
    ) -> None:
        self.timeout: float | None = 0.0
        self.shape = shape
        self.class_names = class_names
        self.to_board: Wire = pass_all
        self.to_host: Wire = pass_all
        self.garble: Callable[[str], Iterable[str]] = lambda line: [line]
        self.reset_at: int | None = None
        self.link_version = link.VERSION
        self.selftest = "passed"
        self.network: Callable[[bytes], tuple[int, ...]] = lambda pixels: logits_of(pixels, len(class_names))
        self.logit_scale = 0.01  # of the lines for people
        self.model = {"model": "linear", "checksum": "0badcafe"}
        self.network_seconds = 0.005
        self.closed = False
        self.rates = {115200, 1_000_000, 2_000_000}  # that the board accepts
        self.bad_rates = {2_000_000}  # at which nothing passes the wire
        self.rate = self.baudrate = link.DEFAULT_BAUD  # the board's and the host's
        self._fall_back_at = math.inf
        self._in_error = False  # the last event on the wire was an error
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
        while (due := self._next_event()) <= min(deadline, self._outgoing_at if self._outgoing else math.inf):
            self._pass_time(due)
        if not self._outgoing or self._outgoing_at > deadline:
            self._clock = deadline
            return b""
        self._clock = max(self._clock, self._outgoing_at)
        # At most what has arrived by now: this does not wait for `size` bytes.
        arrived = 1 + int((self._clock - self._outgoing_at) / self._byte_seconds())
        data = bytes(self._outgoing[: min(size, arrived)])
        del self._outgoing[: len(data)]
        self._outgoing_at += len(data) * self._byte_seconds()
        return data

    def write(self, data: bytes) -> int:
        at = max(self._clock, self._last_byte_at)
        self._pass_time(at)
        arriving = self.to_board(data)
        if self.reset_at is not None and self.reset_at <= len(arriving):
            before, arriving = arriving[: self.reset_at], arriving[self.reset_at :]
            self._receive(before, at)
            at += len(before) * self._byte_seconds()
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

    def fall_back(self, at: float | None = None) -> None:
        """The board returns to 115200 baud and reports it."""
        at = self._clock if at is None else at
        self._set_rate(link.DEFAULT_BAUD, at)
        self.say("", link.format_line("baud", baud=link.DEFAULT_BAUD), at=at)  # "" ends a garbled line

    def boot(self, reset: str = "power", at: float | None = None) -> None:
        at = self._clock if at is None else at
        self._body = None
        self._set_rate(link.DEFAULT_BAUD, at)
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
        if self.rate in self.bad_rates:
            data = b""
        elif self.rate != self.baudrate:
            data = garbled(data, self.rate, self.baudrate)
        self._outgoing += self.to_host(data)

    def _byte_seconds(self) -> float:
        return link.BITS_PER_BYTE / self.baudrate

    def _set_rate(self, rate: int, at: float) -> None:
        self.rate = rate
        self._fall_back_at = math.inf if rate == link.DEFAULT_BAUD else at + link.FOLLOW_MS / 1000
        self._in_error = False

    def _frame_expires_at(self) -> float:
        return self._last_byte_at + link.TIMEOUT_MS / 1000 if self._body else math.inf

    def _next_event(self) -> float:
        return min(self._frame_expires_at(), self._fall_back_at)

    def _pass_time(self, until: float) -> None:
        """Reports an unfinished frame and falls back, if that is due until then."""
        if (expiry := self._frame_expires_at()) <= until:
            count, self._body = len(self._body or b""), None
            self._error("timeout", expiry, bytes=count)
        if self._fall_back_at <= until and not self._body:  # a frame that is arriving ends first
            self.fall_back(self._fall_back_at)

    def _receive(self, data: bytes, at: float) -> None:
        """Receives bytes, the first of which begins to arrive at `at`."""
        missed = max(0, math.ceil((self._ignore_until - at) / self._byte_seconds()))
        at += missed * self._byte_seconds()
        if self.rate in self.bad_rates or missed >= len(data):
            return
        if self.rate != self.baudrate:
            self._body = None
            self._error("line", at, framing=1, noise=0)
            return
        for piece in re.findall(rb"\0|[^\0]+", data[missed:]):
            self._pass_time(at)
            at += len(piece) * self._byte_seconds()
            self._last_byte_at = at
            if piece == link.DELIMITER:
                body, self._body = self._body, bytearray()
                if body:
                    self._answer(bytes(body), at)
            elif self._body is not None:
                self._body += piece
                limit = link.max_body(math.prod(self.shape))
                if len(self._body) > limit + limit // 254 + 1:
                    self._body = None
                    self._error("overlong", at, limit=limit)

    def _error(self, name: str, at: float, **fields: object) -> None:
        if self.rate != link.DEFAULT_BAUD and not self._in_error:
            self._fall_back_at = at + link.FOLLOW_MS / 1000
        self._in_error = True
        self.say(link.format_line("error", name=name, **fields), at=at)

    def _refuse(self, name: str, frame: link.Frame, at: float, **fields: object) -> None:
        self.say(link.format_line("error", name=name, seq=frame.sequence, **fields), at=at)

    def _answer(self, stuffed: bytes, at: float) -> None:
        try:
            frame = link.decode_frame(stuffed, math.prod(self.shape))
        except LinkError as error:
            self._error(error.name, at, **error.fields)
            return
        self.requests.append(frame)
        self._fall_back_at = math.inf
        self._in_error = False
        sizes: dict[int, int] = {link.Command.CLASSIFY: math.prod(self.shape), link.Command.BAUD: 4}
        expected = sizes.get(frame.command, 0)
        if frame.version != self.link_version:
            self._refuse("version", frame, at, version=frame.version)
        elif frame.command not in set(link.Command):
            self._refuse("command", frame, at, command=frame.command)
        elif len(frame.payload) != expected:
            size = len(frame.payload)
            self._refuse("size", frame, at, bytes=size, expected=expected)
        elif frame.command == link.Command.INFO:
            self.say(self.info_line(frame.sequence), at=at)
        elif frame.command == link.Command.BAUD:
            self._change_baud(frame, at)
        elif self.selftest != "passed":
            self._refuse("selftest", frame, at, failed=self.selftest)
        else:
            self.say(*self.result_lines(frame), at=at + self.network_seconds)

    def _change_baud(self, frame: link.Frame, at: float) -> None:
        rate = int.from_bytes(frame.payload, "little")
        if rate in self.rates:
            self.say(link.format_line("baud", seq=frame.sequence, baud=rate), at=at)
            self._set_rate(rate, at)
        else:
            self._refuse("baud", frame, at, baud=rate, clock=72000000)

    def info_line(self, sequence: int, **changes: object) -> str:
        fields: dict[str, object] = {
            "seq": sequence,
            "link": self.link_version,
            "firmware": "1.2.3",
            **self.model,
            "clock": 72000000,
            "source": "hse",
            "channels": self.shape[0],
            "rows": self.shape[1],
            "cols": self.shape[2],
            "classes": len(self.class_names),
            "reset": "power",
            "selftest": self.selftest,
            "stack": 512,
            "inference": round(self.network_seconds * 1000),
            "names": link.escape_names(self.class_names),
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
            f"Predicted class: {self.class_names[label_of(logits)]}",
            "Logits:",
            *(
                f"Class {name}: {logit * self.logit_scale:.2f}"
                for name, logit in zip(self.class_names, logits, strict=True)
            ),
            "Ready for next image",
        ]
