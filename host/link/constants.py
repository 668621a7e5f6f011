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
MAX_BAUD = 2_000_000
FOLLOW_MS = 500  # within which the host must send a frame at a new rate
MIN_CYCLES_PER_BYTE = 360  # processor cycles that the board needs between two bytes


class Command(IntEnum):
    """What a frame asks for."""

    INFO = 1
    CLASSIFY = 2
    BAUD = 3
