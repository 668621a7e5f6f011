"""The simulated wire: what sampling at another rate makes of characters, and LINK.md's claims about it."""

import ctypes
import shutil
from dataclasses import dataclass

import pytest

from host import link
from tooling import build

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler for this computer")

WIRE_BYTES = 1 << 19  # more than sizeof(struct wire)
CLOCK_ERROR = 0.033  # that the receivers tolerate, of both ends together (RM0008, 27.3.5)


class Reception(ctypes.Structure):
    _fields_ = (
        ("at", ctypes.c_uint64),
        ("byte", ctypes.c_uint8),
        ("framing", ctypes.c_bool),
        ("noise", ctypes.c_bool),
    )


@dataclass
class Wire:
    """One direction of a wire; rates in baud."""

    library: ctypes.CDLL
    sent_at: float
    received_at: float

    def __post_init__(self) -> None:
        self._wire = ctypes.create_string_buffer(WIRE_BYTES)
        self._bit = round(1e9 / self.sent_at)
        self.library.wire_start_receiver(self._wire, ctypes.c_uint64(0), round(1e9 / self.received_at))

    def send(self, data: bytes, damage: int = 0) -> None:
        for byte in data:
            self.library.wire_send(
                self._wire, ctypes.c_uint64(1000), self._bit, ctypes.c_uint8(byte), ctypes.c_uint16(damage)
            )

    def stop(self, at_ns: int) -> None:
        self.library.wire_stop_sender(self._wire, ctypes.c_uint64(at_ns))

    def received(self) -> list[Reception]:
        found = []
        reception = Reception()
        while self.library.wire_receive(self._wire, ctypes.c_uint64(10**12), ctypes.byref(reception)):
            found.append(Reception.from_buffer_copy(reception))
        return found


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    build.build(build.NATIVE)
    library = ctypes.CDLL(str(build.image(build.NATIVE).with_name("libsimulated.so")))
    library.wire_receive.restype = ctypes.c_bool
    return library


def intact(receptions: list[Reception]) -> bytes:
    return bytes(reception.byte for reception in receptions if not reception.framing and not reception.noise)


@pytest.mark.parametrize("error", [-CLOCK_ERROR, -0.02, -0.001, 0, 0.001, 0.02, CLOCK_ERROR])
def test_a_tolerable_mismatch_changes_no_byte(library: ctypes.CDLL, error: float) -> None:
    wire = Wire(library, 115_200, 115_200 * (1 + error))
    wire.send(bytes(range(256)))

    assert intact(wire.received()) == bytes(range(256))


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.2, 2, 8.7])
def test_another_rate_damages_characters(library: ctypes.CDLL, factor: float) -> None:
    wire = Wire(library, 115_200, 115_200 * factor)
    wire.send(bytes(range(256)))
    receptions = wire.received()

    assert factor < 1 or any(reception.framing for reception in receptions)
    assert intact(receptions) != bytes(range(256))


@pytest.mark.parametrize("error", [-CLOCK_ERROR, 0, CLOCK_ERROR])
@pytest.mark.parametrize("rate", [link.RAISED_BAUD, 230_400, 921_600, 1_000_000, link.MAX_BAUD])
def test_a_delimiter_at_the_default_rate_is_a_framing_error_at_every_raised_rate(
    library: ctypes.CDLL, rate: int, error: float
) -> None:
    wire = Wire(library, link.DEFAULT_BAUD, rate * (1 + error))
    wire.send(link.DELIMITER)

    assert wire.received()[0].framing


@pytest.mark.parametrize(("damage", "error"), [(1 << 9, "framing"), (1 << 3, "byte"), (1, "lost")])
def test_an_inverted_bit_is_what_it_is_on_a_wire(library: ctypes.CDLL, damage: int, error: str) -> None:
    wire = Wire(library, 115_200, 115_200)
    wire.send(b"\xff", damage)
    receptions = wire.received()

    match error:
        case "framing":
            assert [(reception.byte, reception.framing) for reception in receptions] == [(0xFF, True)]
        case "byte":
            assert intact(receptions) == bytes([0xFF ^ damage >> 1])
        case "lost":
            assert not receptions  # without a start bit the character is an idle line


def test_a_sender_that_stops_in_a_character_leaves_the_line_high(library: ctypes.CDLL) -> None:
    wire = Wire(library, 115_200, 115_200)
    wire.send(b"\0\0")
    wire.stop(1000 + round(15.2e9 / 115_200))  # in the fifth data bit of the second character

    assert intact(wire.received()) == b"\x00\xf0"
