"""What can go wrong between this machine and the board.

Every exception here derives from `BoardError`, and its str() is one sentence for the user: what happened
and, where something can be done about it, what to do next.
"""

from collections.abc import Mapping
from typing import ClassVar


class BoardError(Exception):
    """Base of all errors of this room.

    `retryable` says whether sending the same request again is safe and may help. `attempts` is set when a
    request was given up after several attempts.
    """

    retryable: ClassVar[bool] = False
    attempts: int = 1

    def __str__(self) -> str:
        sentence = super().__str__()
        if self.attempts == 1:
            return sentence
        return f"{sentence.removesuffix('.')} (after {self.attempts} attempts)."


class BadImage(BoardError, ValueError):
    """The image handed over is not 28 x 28 pixels of 0 to 255."""


class PictureError(BoardError):
    """A picture cannot be read, or cannot be shown."""


class PortError(BoardError):
    """The port cannot be opened, or it went away while in use."""


class NoAnswer(BoardError):
    """The board said nothing that answers the request within the time-out."""

    retryable = True


class CorruptAnswer(BoardError):
    """A line from the board was damaged on the way, or contradicts itself."""

    retryable = True


class NotThisFirmware(BoardError):
    """Something answers on the port, but it does not speak this link."""


class BoardReset(BoardError):
    """The board started anew while it should have been answering. `reason` is the boot line's `reset`."""

    retryable = True

    def __init__(self, reason: str) -> None:
        super().__init__(f"The board was reset while it should have been answering (cause: {reason}).")
        self.reason = reason


class BoardFault(BoardError):
    """The board's processor took a fault. `fields` are the registers of the @fault line, as sent."""

    retryable = True

    def __init__(self, fields: Mapping[str, str]) -> None:
        name, pc = fields.get("name", "fault"), fields.get("pc", "an unknown address")
        super().__init__(f"The board's firmware crashed with a {name} at pc={pc}, which is a bug in it.")
        self.fields = dict(fields)


class LinkError(BoardError):
    """The board refused a request with an @error line, whose fields are in `fields`.

    Each subclass is one error of LINK.md: `name` is its name there, `sentence` is what the user
    reads, with the line's fields filled in.
    """

    name: ClassVar[str] = ""
    sentence: ClassVar[str] = (
        "The board reported the error '{name}', which this program does not know: "
        "flash the firmware that belongs to this program."
    )

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(self.sentence.format_map(_OrQuestionMark(fields)))
        self.fields = dict(fields)


class _OrQuestionMark(dict[str, str]):
    """A number that the board left out reads as '?', and is no reason to lose the error itself."""

    def __missing__(self, key: str) -> str:
        return "?"


class TransportError(LinkError):
    """The frame was damaged on its way to the board; sending it again is safe."""

    retryable = True


class FrameTimeout(TransportError):
    name = "timeout"
    sentence = "The board saw a frame break off after {bytes} bytes: bytes were lost on the wire."


class FrameOverlong(TransportError):
    name = "overlong"
    sentence = "The board saw a frame of more than {limit} bytes: bytes were added or altered on the wire."


class FrameShort(TransportError):
    name = "short"
    sentence = "The board saw a frame of only {bytes} bytes: bytes were lost or altered on the wire."


class LengthMismatch(TransportError):
    name = "length"
    sentence = (
        "The board got {bytes} bytes of payload where the frame announced {length}: "
        "bytes were lost, added or altered on the wire."
    )


class FrameStuffing(TransportError):
    name = "stuffing"
    sentence = "The board saw a frame end inside a COBS block: bytes were lost or altered on the wire."


class ChecksumMismatch(TransportError):
    name = "crc"
    sentence = (
        "The board computed the checksum {computed} of a frame that carries {received}: "
        "bytes were altered on the wire."
    )


class UnsupportedVersion(LinkError):
    name = "version"
    sentence = (
        "The board's firmware and this program speak different versions of the link: "
        "flash the firmware that belongs to this program."
    )


class UnknownCommand(LinkError):
    name = "command"
    sentence = (
        "The board's firmware does not know command {command}: "
        "flash the firmware that belongs to this program."
    )


class WrongImageSize(LinkError):
    name = "size"
    sentence = (
        "The board's firmware expects a payload of {expected} bytes and got {bytes}: "
        "flash the firmware that belongs to this program."
    )


class UnsupportedBaud(LinkError):
    name = "baud"
    sentence = (
        "The board cannot make {baud} baud from its clock of {clock} Hz: choose another rate, "
        "such as 115200 or 500000."
    )


class ReceiveOverrun(TransportError):
    name = "overrun"
    sentence = "The board lost {bytes} bytes because they came faster than it could store them."


class LineNoise(TransportError):
    name = "line"
    sentence = (
        "The board's UART saw {framing} framing errors and {noise} noise errors: "
        "check the baud rate, the wires and the common ground."
    )


class SelfTestFailed(LinkError):
    name = "selftest"
    sentence = (
        "The board's self-test of its {failed} failed when it started, so it classifies nothing: "
        "flash it again, and replace the board if that does not help."
    )
