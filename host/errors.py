"""Errors of the board's client.

Each is a `BoardError`, and its str() is one sentence for the user: what happened, and what to do next. The
errors that the board itself reports are in `host.link.errors`.
"""

from collections.abc import Mapping
from typing import ClassVar


class BoardError(Exception):
    """Base of all errors of this package.

    `retryable`: sending the same request again is safe and may help. `attempts`: how often the request was
    sent before the client gave up.
    """

    retryable: ClassVar[bool] = False
    attempts: int = 1

    def __str__(self) -> str:
        sentence = super().__str__()
        if self.attempts == 1:
            return sentence
        return f"{sentence.removesuffix('.')} (after {self.attempts} attempts)."


class BadImage(BoardError, ValueError):
    """The array is not an image that the board takes."""


class PortError(BoardError):
    """The port cannot be opened, or it disappeared while in use."""


class NoAnswer(BoardError):
    """The board did not answer the request before the time-out."""

    retryable = True


class RateFellBack(BoardError):
    """The board returned to the default baud rate by itself."""

    retryable = True

    def __init__(self, baud: str) -> None:
        super().__init__(
            f"The board fell back to {baud} baud, because no request reached it undamaged at the other rate."
        )


class CorruptAnswer(BoardError):
    """A line from the board was damaged on the wire, or contradicts itself."""

    retryable = True


class NotThisFirmware(BoardError):
    """The device on the port sends something other than this link."""


class BoardReset(BoardError):
    """The board restarted before it answered. `reason`: the boot line's `reset`."""

    retryable = True

    def __init__(self, reason: str) -> None:
        super().__init__(f"The board restarted before it answered (cause of the reset: {reason}).")
        self.reason = reason


class BoardFault(BoardError):
    """The board took a fault and restarted. `fields`: the registers of the @fault line, as text."""

    retryable = True

    def __init__(self, fields: Mapping[str, str]) -> None:
        name, pc = fields.get("name", "fault"), fields.get("pc", "an unknown address")
        if name == "clock":
            sentence = (
                "The board's crystal stopped, so the board restarted on its internal oscillator: "
                "replace the crystal if it stops again."
            )
        else:
            sentence = f"The board's firmware crashed with the fault '{name}' at pc={pc}: report this bug."
        super().__init__(sentence)
        self.fields = dict(fields)
