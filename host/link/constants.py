"""The numbers of firmware/LINK.md."""

from enum import IntEnum

VERSION = 1

DELIMITER = b"\0"
HEADER_BYTES = 6
CHECKSUM_BYTES = 4

IMAGE_ROWS = 28
IMAGE_COLS = 28
CLASSES = 10
MAX_PAYLOAD = IMAGE_ROWS * IMAGE_COLS
MAX_BODY = HEADER_BYTES + MAX_PAYLOAD + CHECKSUM_BYTES

TIMEOUT_MS = 50  # silence after which the board gives up a frame
DEFAULT_BAUD = 115200  # after every reset; also the slowest rate
RAISED_BAUD = 150_000  # the slowest of all other rates
MAX_BAUD = 2_000_000
FOLLOW_MS = 500  # for a whole frame, after a change or an error at a raised rate
SILENCE_MS = 120  # without a byte at a raised rate, after which the host looks for the board
SILENCE_INFERENCES = 1.2  # added to SILENCE_MS, in times of one inference
PROBE_MS = 150  # for the answer to the info request at the same rate
BITS_PER_BYTE = 10  # start bit, 8 data bits, stop bit
MIN_CYCLES_PER_BYTE = 360  # processor cycles that the board needs between two bytes


class Command(IntEnum):
    """What a frame asks for."""

    INFO = 1
    CLASSIFY = 2
    BAUD = 3
