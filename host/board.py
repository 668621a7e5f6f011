"""A board at the other end of a stream: what it is, and what it says a picture shows.

The promise (LINK.md, "What an answer is worth"): a prediction is returned only if it was received whole and
belongs to exactly the image that was sent; everything else is an exception. Requests change nothing on
the board but its baud rate, so whatever is lost on the way is asked for again.
"""

import contextlib
import dataclasses
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np

from host import link
from host.errors import (
    BadImage,
    BoardError,
    BoardFault,
    BoardReset,
    CorruptAnswer,
    NoAnswer,
    NotThisFirmware,
    PortError,
    UnsupportedVersion,
)
from host.streams import Stream, open_port

# After this much silence a board that met with broken frames has reported them all and listens (LINK.md).
_QUIET = 0.1
# How long to wait for that silence on a line that never falls silent.
_MAX_UNQUIET = 1.0
# How long the first answer may take before the question is repeated to a board that may have been booting.
_GREETING_TIMEOUT = 1.0

_READ_SIZE = 4096
_MAX_PENDING = 1 << 20
_MAX_SEQUENCE = 0xFFFF

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Info:
    """What the board says about itself: the fields of @info."""

    link: int
    """Version of the link."""
    firmware: str
    """Version of the firmware."""
    model: str
    """Name of the network."""
    checksum: int
    """CRC-32 of the network."""
    clock: int
    """Processor clock in Hz."""
    source: str
    """Where the clock comes from: `hse`, or `hsi` when the crystal did not start."""
    rows: int
    cols: int
    classes: int
    reset: str
    """Why the board started."""
    selftest: str
    """`passed`, or what failed at boot: `flash` or `network`."""
    stack: int
    """Bytes of the stack ever used."""


@dataclass(frozen=True)
class Prediction:
    """What the board says a picture shows."""

    label: int
    """The class with the largest logit, the lowest of equals."""
    logits: tuple[int, ...]
    """One integer for each class, as the network computed it."""
    cycles: int | None
    """What the board's cycle counter counted while the network computed; None where it has no such counter.

    On Renode these are instructions.
    """
    finish: int | None
    """Those of `cycles` that came after the frame had been verified; the others, while the image arrived."""
    sequence: int
    """Sequence number of the request that was answered."""
    seconds: float = 0.0
    """From the request to its answer, with all attempts, by the stream's clock."""
    retries: tuple[str, ...] = ()
    """One sentence for each attempt that failed before the one that was answered."""


@dataclass
class _Request(Generic[Answer]):
    """One question to the board, and all frames that asked it: an answer to any of them answers it."""

    command: link.Command
    payload: bytes
    answer: str
    """Name of the line that answers it."""
    read: Callable[[link.Message, int], Answer]
    """Makes the answer of that line and the checksum of the frame that it answers; raises `CorruptAnswer`."""
    checksums: dict[int, int] = field(default_factory=dict)
    """Checksum of each frame sent, by its sequence number."""

    def sequence_of(self, message: link.Message) -> int | None:
        """The frame that a message belongs to, or None for one that belongs to an earlier request."""
        sequence = message.number("seq")
        return sequence if sequence in self.checksums else None


class Board:
    """The client of one board. A context manager: leaving it closes the stream.

    `timeout`: seconds an answer may take. `attempts`: how often a request is sent before it is given up.
    `on_retry`: called with one sentence whenever a request is sent again. `on_line`: called with every line
    that comes, also those for people. `name`: what sentences call the board.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        name: str = "the board",
        timeout: float = 5.0,
        attempts: int = 3,
        on_retry: Callable[[str], None] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self.timeout = timeout
        self.attempts = attempts
        self.on_retry = on_retry
        self.on_line = on_line
        self._stream = stream
        self._now: Callable[[], float] = getattr(stream, "now", time.monotonic)
        self._lines = link.LineBuffer()
        self._sequence = random.randrange(_MAX_SEQUENCE + 1)
        self._heard = b""  # the last bytes that came, to show what else there is on the line
        self._understood = False  # whether any line so far was this link's

    @classmethod
    def open(
        cls,
        url: str,
        baud: int = link.DEFAULT_BAUD,
        timeout: float = 5.0,
        *,
        boot_timeout: float = 5.0,
        **options: Any,
    ) -> "Board":
        """Opens the port at `url` (see `open_port`) and waits until a board with this link answers there.

        `baud`: the rate to change to then (see `change_baud`); every board begins at 115200. `boot_timeout`:
        seconds the first answer may take, since the board may just be starting. `options` as for `Board`.
        Raises `PortError`, `NoAnswer`, `NotThisFirmware`, `UnsupportedVersion`, `UnsupportedBaud`. The port
        is left closed whenever this raises.
        """
        board = cls(open_port(url), name=url, timeout=timeout, **options)
        try:
            board.greet(boot_timeout)
            if baud != link.DEFAULT_BAUD:
                board.change_baud(baud)
        except BaseException:
            board.close()
            raise
        return board

    def __enter__(self) -> "Board":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the stream; an adapter that has gone is no error here."""
        with contextlib.suppress(OSError):
            self._stream.close()

    # --- Requests ---------------------------------------------------------------------------------

    def greet(self, boot_timeout: float = 5.0) -> Info:
        """Asks for the board's info until it answers: it may be starting, or the line may hold garbage.

        Raises `NoAnswer`, `NotThisFirmware` or `UnsupportedVersion` after `boot_timeout` seconds.
        """
        request = _info_request()
        deadline = self._now() + boot_timeout
        error: BoardError | None = None
        while error is None or self._now() < deadline:
            self._send(request)
            outcome = self._try(request, min(_GREETING_TIMEOUT, boot_timeout))
            if not isinstance(outcome, BoardError):
                return outcome
            error = outcome
        if self._understood:
            raise error
        if self._heard:
            heard = link.shorten(self._heard.decode("ascii", errors="replace"))
            raise NotThisFirmware(
                f"Something else than this firmware answers on {self.name}, saying {heard}: "
                "check the port and the baud rate, or flash the firmware."
            )
        raise NoAnswer(
            f"No board answered on {self.name} within {boot_timeout:g} s: check its power, that TX and RX "
            "are crossed (adapter TX to PA10, RX to PA9) and that the firmware is flashed."
        )

    def info(self) -> Info:
        """What the board says about itself.

        Raises `UnsupportedVersion`, or the last attempt's error when none was answered.
        """
        return self._ask(_info_request(), [])

    def classify(self, image: Any) -> Prediction:
        """What the board says `image` shows.

        `image`: whatever NumPy makes 784 integers of 0 to 255 of, flat or 28 x 28, or 784 bytes; 0 is
        background, 255 full ink. Raises `BadImage`; the error that the board named; or, when no attempt was
        answered, the last attempt's error.
        """
        request = _Request(link.Command.CLASSIFY, _pixels(image), "result", _prediction)
        retries: list[str] = []
        started = self._now()
        prediction = self._ask(request, retries)
        return dataclasses.replace(prediction, seconds=self._now() - started, retries=tuple(retries))

    def change_baud(self, baud: int) -> int:
        """Changes the baud rate of both sides; the rate in use afterwards.

        That is 115200 where the board cannot be heard at `baud`, a bad wire for it, which `on_retry` is
        told. Raises `PortError` for a rate that no board has, `UnsupportedBaud` for one that this board does
        not have, or as `info` where the board does not answer at all.
        """
        if not link.DEFAULT_BAUD <= baud <= link.MAX_BAUD:
            raise PortError(
                f"The link has no rate of {baud} baud: choose one from {link.DEFAULT_BAUD} to "
                f"{link.MAX_BAUD}."
            )
        self._ask(_Request(link.Command.BAUD, baud.to_bytes(4, "little"), "baud", _accepted), [])
        self._set_baud(baud)
        try:
            self.greet(link.FOLLOW_MS / 1000)
        except BoardError as error:
            self._set_baud(link.DEFAULT_BAUD)
            self.greet(self.timeout)
            if self.on_retry:
                self.on_retry(f"The link works at {baud} baud no longer, and is back at 115200: {error}")
            return link.DEFAULT_BAUD
        return baud

    def _set_baud(self, baud: int) -> None:
        """On this side only; a stream without a speed, a socket, has none to set."""
        try:
            if hasattr(self._stream, "baudrate"):
                self._stream.baudrate = baud
        except (OSError, ValueError) as error:
            raise PortError(
                f"{self.name} cannot run at {baud} baud ({error}): choose another rate."
            ) from error

    def _ask(self, request: _Request[Answer], retries: list[str]) -> Answer:
        """The answer to a request, which is sent again, up to `attempts` times, while that is safe."""
        self._skip_pending()
        attempt = 1
        while True:
            self._send(request)
            outcome = self._try(request, self.timeout)
            if not isinstance(outcome, BoardError):
                return outcome
            if attempt >= self.attempts:
                outcome.attempts = attempt
                raise outcome
            retries.append(f"Attempt {attempt} of {self.attempts} failed and is repeated: {outcome}")
            if self.on_retry:
                self.on_retry(retries[-1])
            attempt += 1

    def _try(self, request: _Request[Answer], timeout: float) -> Answer | BoardError:
        """The answer, or why there is none yet. Raises where sending again would not help."""
        try:
            return self._await(request, timeout)
        except NoAnswer as silence:
            return silence
        except BoardError as problem:
            if not problem.retryable:
                raise
            answer = self._settle(request)
            return problem if answer is None else answer

    def _send(self, request: _Request[Any]) -> None:
        """Sends one more frame for a request, with a sequence number that none before it had."""
        self._sequence = (self._sequence + 1) & _MAX_SEQUENCE
        body = link.make_body(request.command, self._sequence, request.payload)
        request.checksums[self._sequence] = link.body_checksum(body)
        self.send_raw(link.wrap_body(body))

    def _await(self, request: _Request[Answer], timeout: float) -> Answer:
        """The answer to a request. Raises what the board reported instead, or `NoAnswer`."""
        deadline = self._now() + timeout
        fault: BoardFault | None = None
        while True:
            try:
                message = self._read_message(deadline)
            except NoAnswer as silence:
                if fault:
                    raise fault from None
                raise NoAnswer(
                    f"No answer from {self.name} to the {request.command.name.lower()} request within "
                    f"{timeout:g} s: check the power and the wires, then press the board's reset button."
                ) from silence
            match message.name:
                case "fault":
                    fault = BoardFault(message.fields)  # a reset follows: wait for the board to be back
                case "boot":
                    raise fault or BoardReset(message.text("reset"))
                case "error":
                    # A frame that was not whole has no number, so the error may be that of this one.
                    if "seq" not in message.fields or request.sequence_of(message) is not None:
                        raise link.error_from(message)
                case request.answer:
                    sequence = request.sequence_of(message)
                    if sequence is not None:
                        return request.read(message, request.checksums[sequence])

    def _settle(self, request: _Request[Answer]) -> Answer | None:
        """Reads until the board is quiet, so that what is still to come of a broken attempt is not taken for
        the next one's; returns the answer if it was among that.
        """
        deadline = self._now() + _MAX_UNQUIET
        while self._now() < deadline:
            try:
                return self._await(request, _QUIET)
            except NoAnswer:
                return None
            except BoardError as problem:
                if not problem.retryable:
                    raise
        return None

    def _skip_pending(self) -> None:
        """Forgets what came before the request: it cannot answer it."""
        for _ in range(_MAX_PENDING // _READ_SIZE):
            came = self._receive(0)
            with contextlib.suppress(CorruptAnswer):
                while (line := self._lines.pop()) is not None:
                    self._note(line)
            if not came:
                return

    # --- Bytes and lines --------------------------------------------------------------------------

    def send_raw(self, data: bytes) -> None:
        """Sends bytes as they are. Raises `PortError` when the port is gone."""
        try:
            self._stream.write(data)
        except OSError as error:
            raise self._lost(error) from error

    def read_line(self, timeout: float) -> str:
        """The next line, without its ending.

        Raises `NoAnswer`, `CorruptAnswer` for an endless line, `PortError`.
        """
        return self._read_line(self._now() + timeout)

    def read_message(self, timeout: float) -> link.Message:
        """The next line that is for programs; skips those for people.

        Raises as `read_line`, and `CorruptAnswer` for a damaged line.
        """
        return self._read_message(self._now() + timeout)

    def _read_message(self, deadline: float) -> link.Message:
        while not link.is_message(line := self._read_line(deadline)):
            pass
        message = link.parse_line(line)
        self._understood = True
        return message

    def _read_line(self, deadline: float) -> str:
        while (line := self._lines.pop()) is None:
            remaining = deadline - self._now()
            # A read that came back empty has waited all its time, whatever the clock says.
            if remaining <= 0 or not self._receive(remaining):
                raise NoAnswer(f"No line came from {self.name} in the time it was given.")
        self._note(line)
        return line

    def _note(self, line: str) -> None:
        if self.on_line:
            self.on_line(line)

    def _receive(self, timeout: float) -> bool:
        """Waits for bytes, up to `timeout` seconds, and takes all that are there. False where none came."""
        try:
            self._stream.timeout = timeout
            data = self._stream.read(1)
            if data:
                self._stream.timeout = 0
                data += self._stream.read(_READ_SIZE)
        except OSError as error:
            raise self._lost(error) from error
        self._lines.feed(data)
        self._heard = (self._heard + data)[-link.LineBuffer.LIMIT :]
        return bool(data)

    def _lost(self, error: OSError) -> PortError:
        return PortError(
            f"The connection to {self.name} was lost ({error}): check that the adapter is plugged in "
            "or the simulator is running, and retry."
        )


def _pixels(image: Any) -> bytes:
    """The 784 bytes of an image. Raises `BadImage`."""
    expected = (
        f"an image is {link.IMAGE_ROWS} x {link.IMAGE_COLS} integers of 0 (background) to 255 (full ink)"
    )
    try:
        array = np.frombuffer(image, np.uint8) if isinstance(image, bytes | bytearray) else np.asarray(image)
    except (TypeError, ValueError) as error:
        raise BadImage(f"This is no image, since {expected}.") from error
    if array.shape not in {(link.MAX_PAYLOAD,), (link.IMAGE_ROWS, link.IMAGE_COLS)}:
        raise BadImage(f"This image has the shape {array.shape}, while {expected}.")
    if array.dtype.kind not in "iu":
        raise BadImage(f"This image holds {array.dtype} values, while {expected}.")
    if array.min() < 0 or array.max() > 255:
        raise BadImage(f"This image holds values of {array.min()} to {array.max()}, while {expected}.")
    return array.astype(np.uint8).tobytes()


def _prediction(message: link.Message, image: int) -> Prediction:
    """Raises `CorruptAnswer` for a result that cannot be true, although its line came whole."""
    if message.hexadecimal("image") != image:
        raise CorruptAnswer("The board answered for another image than the one that was sent.")
    label, logits = message.number("label"), message.numbers("logits")
    if len(logits) != link.CLASSES:
        raise CorruptAnswer(f"The board answered with {len(logits)} logits instead of {link.CLASSES}.")
    if label != logits.index(max(logits)):
        raise CorruptAnswer(f"The board contradicts itself: it says {label}, but its logits are {logits}.")
    cycles, finish = (message.number(key) if key in message.fields else None for key in ("cycles", "finish"))
    return Prediction(label, logits, cycles, finish, sequence=message.number("seq"))


def _accepted(message: link.Message, _: int) -> int:
    return message.number("baud")


def _info_request() -> _Request[Info]:
    return _Request(link.Command.INFO, b"", "info", _info)


def _info(message: link.Message, _: int) -> Info:
    """Raises `UnsupportedVersion` for another version of the link, whose other fields may differ."""
    if message.number("link") != link.VERSION:
        raise UnsupportedVersion({"version": message.text("link")})
    return Info(
        link=message.number("link"),
        firmware=message.text("firmware"),
        model=message.text("model"),
        checksum=message.hexadecimal("checksum"),
        clock=message.number("clock"),
        source=message.text("source"),
        rows=message.number("rows"),
        cols=message.number("cols"),
        classes=message.number("classes"),
        reset=message.text("reset"),
        selftest=message.text("selftest"),
        stack=message.number("stack"),
    )
