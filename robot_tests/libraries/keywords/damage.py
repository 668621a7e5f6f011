"""Ways to damage a frame: functions from a whole body to the bytes on the wire."""

import random
from collections.abc import Callable

from host import link


def stops(body: bytes) -> bytes:
    """Nothing arrives after half of the frame."""
    frame = link.wrap_body(body)
    return frame[: len(frame) // 2]


def is_cut_short(body: bytes, after: str = "") -> bytes:
    """The frame ends after `after` bytes of its body, by default after half of it."""
    return link.wrap_body(body[: int(after or len(body) // 2)])


def has_no_end_of_a_block(body: bytes) -> bytes:
    """The body is complete, but the code of its last COBS block is one too large."""
    stuffed = bytearray(link.cobs_encode(body))
    code = 0
    while code + stuffed[code] < len(stuffed):
        code += stuffed[code]
    stuffed[code] += 1
    return link.DELIMITER + bytes(stuffed) + link.DELIMITER


def has_an_altered_byte(body: bytes, at: str = "") -> bytes:
    """The byte `at` of the body is altered, by default the middle one; -1 is the last one."""
    damaged = bytearray(body)
    damaged[int(at or len(body) // 2)] ^= 0xFF
    return link.wrap_body(bytes(damaged))


def has_lost_a_byte(body: bytes) -> bytes:
    """The middle byte of the body is missing."""
    middle = len(body) // 2
    return link.wrap_body(body[:middle] + body[middle + 1 :])


def has_a_byte_too_many(body: bytes) -> bytes:
    """The middle byte of the body is repeated."""
    middle = len(body) // 2
    return link.wrap_body(body[: middle + 1] + body[middle:])


def has_no_delimiter(body: bytes) -> bytes:
    """The closing delimiter is lost and the next frame follows immediately."""
    return link.wrap_body(body)[:-1] + link.cobs_encode(body) + link.DELIMITER


def has_two_rows_exchanged(body: bytes, columns: int) -> bytes:
    """Two neighbouring rows that differ arrive in the wrong order. `columns`: bytes of a row."""
    for start in range(link.HEADER_BYTES, len(body) - link.CHECKSUM_BYTES - columns, columns):
        first, second = body[start : start + columns], body[start + columns : start + 2 * columns]
        if first != second:
            return link.wrap_body(body[:start] + second + first + body[start + 2 * columns :])
    raise AssertionError("All rows of this image are equal.")


def is_garbage(body: bytes, bytes_: str = "") -> bytes:
    """Random bytes without a delimiter, as from a line at another baud rate, then a delimiter.

    `bytes_`: their number, by default half of the body's.
    """
    rng = random.Random(1)
    count = int(bytes_ or len(body) // 2)
    return bytes(rng.randrange(1, 256) for _ in range(count)) + link.DELIMITER


def is_of_another_version(_: bytes, sent: str) -> bytes:
    """A valid frame of the version `sent`."""
    return link.wrap_body(link.make_body(link.Command.INFO, 77, version=int(sent)))


def has_an_unknown_command(_: bytes) -> bytes:
    """A valid frame with command 99."""
    return link.wrap_body(link.make_body(99, 77))


def has_a_small_image(body: bytes, pixels: str = "") -> bytes:
    """A valid classify frame with `pixels` bytes, by default one fewer than an image."""
    count = int(pixels or len(body) - link.max_body(0) - 1)
    return link.wrap_body(link.make_body(link.Command.CLASSIFY, 77, bytes(count)))


DAMAGE: dict[str, Callable[..., bytes]] = {
    function.__name__.replace("_", " "): function
    for function in (
        stops,
        is_cut_short,
        has_no_end_of_a_block,
        has_an_altered_byte,
        has_lost_a_byte,
        has_a_byte_too_many,
        has_no_delimiter,
        has_two_rows_exchanged,
        is_garbage,
        is_of_another_version,
        has_an_unknown_command,
        has_a_small_image,
    )
}


def damage_at_random(frame: bytes, seed: int) -> bytes:
    """The frame with a byte altered, lost, added or repeated, or two exchanged, at a random position."""
    rng = random.Random(seed)
    at = rng.randrange(1, len(frame) - 2)
    byte = bytes([frame[at] ^ rng.randrange(1, 256)])
    kinds = {
        "altered": frame[:at] + byte + frame[at + 1 :],
        "lost": frame[:at] + frame[at + 1 :],
        "added": frame[:at] + byte + frame[at:],
        "repeated": frame[:at] + frame[at : at + 1] + frame[at:],
        "exchanged": frame[:at] + frame[at + 1 : at + 2] + frame[at : at + 1] + frame[at + 2 :],
    }
    damaged = kinds[rng.choice(sorted(kinds))]
    return damaged if damaged != frame else damage_at_random(frame, seed + 1_000_000)
