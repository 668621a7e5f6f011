"""The numbers of firmware/LINK.md."""

from enum import IntEnum

VERSION = 2

DELIMITER = b"\0"
HEADER_BYTES = 6
CHECKSUM_BYTES = 4
MAX_LENGTH = 0xFFFF  # of a payload: the header has two bytes for it
MAX_LINE = 4096  # characters, without the end of the line

TIMEOUT_MS = 50  # silence after which the board gives up a frame
DEFAULT_BAUD = 115200  # after every reset; also the slowest rate
RAISED_BAUD = 150_000  # the slowest of all other rates
MAX_BAUD = 2_000_000
FOLLOW_MS = 500  # for a whole frame, after a change or an error at a raised rate
SILENCE_MS = 120  # without a byte at a raised rate, after which the host looks for the board
SILENCE_INFERENCES = 1.2  # added to SILENCE_MS, in times of one inference
PROBE_MS = 150  # without a byte of the answer, after which the host repeats its info request
BITS_PER_BYTE = 10  # start bit, 8 data bits, stop bit
MIN_CYCLES_PER_BYTE = 360  # processor cycles that the board needs between two bytes


class Command(IntEnum):
    """What a frame asks for."""

    INFO = 1
    CLASSIFY = 2
    BAUD = 3
