"""Requests to a board and their answers, over a wire that may lose or damage anything.

LINK.md, "What an answer is worth": an answer is accepted only if it arrived undamaged and belongs to exactly
the request that was sent. Requests change nothing on the board except its baud rate, so a request whose
answer was lost or damaged is sent again.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from host import link
from host.connection import Connection
from host.errors import (
    BoardError,
    BoardFault,
    BoardReset,
    NoAnswer,
    NotThisFirmware,
    PortError,
    RateFellBack,
)
from host.records import Info
from host.streams import Stream

# After this much silence the board has reported all errors of a broken frame and listens again (LINK.md).
_QUIET = 0.1
# How long to wait for that silence on a line that is never silent.
_MAX_SETTLE = 1.0
_PROBE_SILENCE = link.PROBE_MS / 1000

_MAX_SEQUENCE = 0xFFFF

Answer = TypeVar("Answer")


@dataclass
class Request(Generic[Answer]):
    """One question to the board. An answer to any of the frames that asked it answers it."""

    command: link.Command
    payload: bytes
    answer: str
    """Name of the line that answers it."""
    read: Callable[[link.Message, int], Answer]
    """Makes the answer from that line and the checksum of its frame. Raises `CorruptAnswer`."""
    checksums: dict[int, int] = field(default_factory=dict)
    """Checksum of each frame sent, by its sequence number."""
    retries: list[str] = field(default_factory=list)
    """One sentence for each attempt that failed."""

    def sequence_of(self, message: link.Message) -> int | None:
        """The frame that a message answers, or None if it answers an earlier request."""
        sequence = message.number("seq")
        return sequence if sequence in self.checksums else None


class Session:
    """Asks one board, retries what failed, and changes the baud rate.

    A context manager; leaving it closes the stream. `name`: what error sentences call the board. `timeout`:
    seconds to wait for an answer. `attempts`: how often a request is sent. `on_retry`: called with a
    sentence when a request is sent again or the rate falls back. `on_line`: called with each line received.
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
        self.connection = Connection(stream, name, on_line)
        self.timeout = timeout
        self.attempts = attempts
        self.on_retry = on_retry
        self._sequence = random.randrange(_MAX_SEQUENCE + 1)
        self.known_info: Info | None = None
        """What the board last said about itself."""

    def close(self) -> None:
        """Closes the stream, even if the adapter is gone."""
        self.connection.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def baud(self) -> int:
        """The rate in use."""
        return self.connection.baud

    # --- Requests ---------------------------------------------------------------------------------

    def ask(self, request: Request[Answer]) -> Answer:
        """Sends a request up to `attempts` times and returns its answer.

        After a failure at a raised rate it makes sure that both sides run at the same rate. Raises what the
        board reported, or the last attempt's error, such as `NoAnswer`.
        """
        self.connection.discard_pending()
        attempt = 1
        while True:
            outcome = self._attempt(request, self.timeout)
            if not isinstance(outcome, BoardError):
                return outcome
            if attempt > 1 or isinstance(outcome, NoAnswer):
                self._find_rate(attempt)
            if attempt >= self.attempts:
                outcome.attempts = attempt
                raise outcome
            request.retries.append(f"Attempt {attempt} of {self.attempts} failed, retrying: {outcome}")
            self._report(request.retries[-1])
            attempt += 1

    def greet(self, boot_timeout: float = 5.0, *, period: float = 1.0, silence: float | None = None) -> Info:
        """Asks for the board's info until it answers: it may be booting, or the line may hold garbage.

        `period`: seconds to wait for an answer before asking again. `silence`: seconds without a byte, after
        which it asks again earlier. Raises `NoAnswer`, `NotThisFirmware` or `UnsupportedVersion` after
        `boot_timeout` seconds.
        """
        connection = self.connection
        request = info_request()
        deadline = connection.now() + boot_timeout
        error: BoardError | None = None
        while error is None or connection.now() < deadline:
            outcome = self._attempt(request, min(period, boot_timeout), silence)
            if not isinstance(outcome, BoardError):
                return outcome
            error = outcome
        if connection.understood and not isinstance(error, NoAnswer):
            raise error
        if connection.recent and not connection.understood:
            received = link.shorten(connection.recent.decode("ascii", errors="replace"))
            raise NotThisFirmware(
                f"The device on {connection.name} is not this firmware, as it sent {received}: "
                "check the port and the baud rate, or flash the firmware."
            )
        raise NoAnswer(
            f"No board answered on {connection.name} within {boot_timeout:g} s: check its power, that TX and "
            "RX are crossed (adapter TX to PA10, RX to PA9) and that the firmware is flashed."
        )

    def change_baud(self, baud: int) -> int:
        """Changes the baud rate of both sides and returns the rate now in use.

        That is 115200 if the board does not answer at `baud`, which `on_retry` reports. Raises `PortError`
        for a rate outside the link's range, `UnsupportedBaud` for one that this board refuses, or as `ask`.
        """
        if baud != link.DEFAULT_BAUD and not link.RAISED_BAUD <= baud <= link.MAX_BAUD:
            raise PortError(
                f"The link cannot run at {baud} baud: choose {link.DEFAULT_BAUD}, or a rate from "
                f"{link.RAISED_BAUD} to {link.MAX_BAUD}."
            )
        self.ask(Request(link.Command.BAUD, baud.to_bytes(4, "little"), "baud", _accepted_rate))
        self.connection.set_baud(baud)
        try:
            self.greet(link.FOLLOW_MS / 1000, silence=_PROBE_SILENCE)
        except BoardError:
            self._return_to_default_baud()
        return self.baud

    def _silence(self) -> float | None:
        """At a raised rate, silence ends each wait (LINK.md, "Another baud rate")."""
        if self.baud == link.DEFAULT_BAUD:
            return None
        inference = self.known_info.inference if self.known_info else 0
        return (link.SILENCE_MS + link.SILENCE_INFERENCES * inference) / 1000

    def _find_rate(self, attempt: int) -> None:
        """Finds a board that fails to answer at a raised rate: a reset, a fall-back or a bad wire.

        After the first attempt the rate stays if the board answers at it. Raises as `greet` if the board
        answers at no rate.
        """
        if self.baud == link.DEFAULT_BAUD:
            return
        if attempt == 1:
            outcome: Info | BoardError = self._attempt(info_request(), _MAX_SETTLE, _PROBE_SILENCE)
            if not isinstance(outcome, NoAnswer):
                return
        self._return_to_default_baud()

    def _return_to_default_baud(self) -> None:
        lost = self.baud
        self.connection.set_baud(link.DEFAULT_BAUD)
        self.greet(self.timeout, silence=_PROBE_SILENCE)
        self._report(f"The board did not answer at {lost} baud, so the link is back at {link.DEFAULT_BAUD}.")

    def _report(self, sentence: str) -> None:
        if self.on_retry:
            self.on_retry(sentence)

    # --- One attempt ------------------------------------------------------------------------------

    def _attempt(
        self, request: Request[Answer], timeout: float, silence: float | None = None
    ) -> Answer | BoardError:
        """Sends a request once: its answer, or a retryable error. Raises errors that are not retryable.

        `timeout`: seconds to wait for the answer. `silence`: seconds without a byte that end the wait, by
        default those of the rate.
        """
        self.connection.silence = silence or self._silence()
        self._send(request)
        try:
            return self._await(request, timeout)
        except (NoAnswer, RateFellBack) as problem:
            return problem
        except BoardError as problem:
            if not problem.retryable:
                raise
            answer = self._settle(request)
            return problem if answer is None else answer

    def _send(self, request: Request[Any]) -> None:
        """Sends a frame with a new sequence number."""
        self._sequence = (self._sequence + 1) & _MAX_SEQUENCE
        body = link.make_body(request.command, self._sequence, request.payload)
        request.checksums[self._sequence] = link.body_checksum(body)
        self.connection.send(link.wrap_body(body))

    def _await(self, request: Request[Answer], timeout: float) -> Answer:
        """The answer to a request. Raises the error that arrives instead, or `NoAnswer`."""
        started = self.connection.now()
        fault: BoardFault | None = None
        while True:
            try:
                message = self.connection.read_message_until(started + timeout)
            except NoAnswer as silence:
                if fault:
                    raise fault from None
                command, waited = request.command.name.lower(), self.connection.now() - started
                raise NoAnswer(
                    f"No answer from {self.connection.name} to the {command} request within {waited:.2g} s: "
                    "check the power and the wires, then press the board's reset button."
                ) from silence
            match message.name:
                case "fault":
                    fault = BoardFault(message.fields)  # a reset follows: wait for the boot line
                case "baud" if "seq" not in message.fields:
                    raise RateFellBack(message.text("baud"))
                case "boot":
                    raise fault or BoardReset(message.text("reset"))
                case "error":
                    # The error of a damaged frame has no number and may be that of this frame.
                    if "seq" not in message.fields or request.sequence_of(message) is not None:
                        raise link.error_from(message)
                case request.answer:
                    sequence = request.sequence_of(message)
                    if sequence is not None:
                        answer = request.read(message, request.checksums[sequence])
                        if isinstance(answer, Info):
                            self.known_info = answer
                        return answer

    def _settle(self, request: Request[Answer]) -> Answer | None:
        """Reads until the board is silent, so that late errors of a failed attempt are not taken for the next
        one's. Returns the answer if it arrives meanwhile.
        """
        deadline = self.connection.now() + _MAX_SETTLE
        while self.connection.now() < deadline:
            try:
                return self._await(request, self.connection.left_to_send() + _QUIET)
            except NoAnswer:
                return None
            except BoardError as problem:
                if not problem.retryable:
                    raise
        return None


def info_request() -> Request[Info]:
    """Asks the board what it is."""
    return Request(link.Command.INFO, b"", "info", lambda message, _: Info.from_message(message))


def _accepted_rate(message: link.Message, _: int) -> int:
    return message.number("baud")
