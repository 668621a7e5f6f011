"""The errors that the board reports in @error lines: one class for each row of the table in LINK.md."""

from collections.abc import Mapping
from typing import ClassVar

from host.errors import BoardError
from host.link.constants import BITS_PER_BYTE, DEFAULT_BAUD, MAX_BAUD, MIN_CYCLES_PER_BYTE
from host.link.lines import Message


class LinkError(BoardError):
    """The board refused a request. `fields`: the fields of its @error line, as text.

    `name`: the error's name in LINK.md. `sentence`: the sentence for the user, with fields in braces.
    """

    name: ClassVar[str] = ""
    sentence: ClassVar[str] = (
        "The board reported the error '{name}', which this program does not know: "
        "flash the firmware that belongs to this program."
    )

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(self._describe(_QuestionMarks(fields)))
        self.fields = dict(fields)

    def _describe(self, fields: Mapping[str, str]) -> str:
        return self.sentence.format_map(fields)


class _QuestionMarks(dict[str, str]):
    """Fields, with '?' for each one that the board left out."""

    def __missing__(self, key: str) -> str:
        return "?"


class TransportError(LinkError):
    """The frame was damaged on its way to the board."""

    retryable = True


class FrameTimeout(TransportError):
    name = "timeout"
    sentence = "The board received only {bytes} bytes of a frame: the rest was lost on the wire."


class FrameOverlong(TransportError):
    name = "overlong"
    sentence = "The board received a frame of more than {limit} bytes: the wire added or altered bytes."


class FrameShort(TransportError):
    name = "short"
    sentence = "The board received a frame of only {bytes} bytes: the wire lost or altered bytes."


class LengthMismatch(TransportError):
    name = "length"
    sentence = (
        "The board received {bytes} bytes of payload in a frame that announced {length}: "
        "the wire lost, added or altered bytes."
    )


class FrameStuffing(TransportError):
    name = "stuffing"
    sentence = "The board received a frame that ends inside a COBS block: the wire lost or altered bytes."


class ChecksumMismatch(TransportError):
    name = "crc"
    sentence = (
        "The board computed the checksum {computed} for a frame that carries {received}: "
        "the wire altered bytes."
    )


class UnsupportedVersion(LinkError):
    name = "version"
    sentence = (
        "The board's firmware and this program use different versions of the link: "
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
        "The board expects a payload of {expected} bytes and received {bytes}: "
        "connect again, as the board seems to run another network now."
    )


class UnsupportedBaud(LinkError):
    name = "baud"
    sentence = "The board cannot run at {baud} baud from its clock of {clock} Hz: choose "

    def _describe(self, fields: Mapping[str, str]) -> str:
        clock = fields["clock"]
        *most, last = map(str, suggested_rates(int(clock) if clock.isdecimal() else 0))
        choice = f"{', '.join(most)} or {last}" if most else last
        return f"{super()._describe(fields)}{choice}."


class ReceiveOverrun(TransportError):
    name = "overrun"
    sentence = "The board lost {bytes} bytes because they arrived faster than it could store them."


class LineNoise(TransportError):
    name = "line"
    sentence = (
        "The board's UART reported {framing} framing errors and {noise} noise errors: "
        "check the baud rate, the wires and the common ground."
    )


class SelfTestFailed(LinkError):
    name = "selftest"
    sentence = (
        "The board's self-test of its {failed} failed at boot, so it classifies no image: "
        "flash the board again, and replace it if that does not help."
    )


# In the order in which the board checks for them.
ERRORS: Mapping[str, type[LinkError]] = {
    error.name: error
    for error in (
        FrameTimeout,
        FrameOverlong,
        FrameShort,
        LengthMismatch,
        FrameStuffing,
        ChecksumMismatch,
        UnsupportedVersion,
        UnknownCommand,
        WrongImageSize,
        UnsupportedBaud,
        ReceiveOverrun,
        LineNoise,
        SelfTestFailed,
    )
}

_USUAL_RATES = (DEFAULT_BAUD, 200_000, 250_000, 500_000, 1_000_000, MAX_BAUD)


def error_from(message: Message) -> LinkError:
    """The exception for an @error line."""
    return ERRORS.get(message.fields.get("name", ""), LinkError)(message.fields)


def suggested_rates(clock: int) -> list[int]:
    """Baud rates that a board surely accepts: 115200, and those that divide its clock without remainder.

    `clock`: in Hz; 0 if unknown.
    """
    fastest = clock * BITS_PER_BYTE // MIN_CYCLES_PER_BYTE
    return [rate for rate in _USUAL_RATES if rate == DEFAULT_BAUD or (clock % rate == 0 and rate <= fastest)]
