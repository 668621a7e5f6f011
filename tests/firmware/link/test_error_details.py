"""Each error names what LINK.md promises: the details, and the sequence number of a whole frame."""

import shutil

import pytest
from simulated_board import SimulatedBoard

from host import link
from tooling import build

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler for this computer")

IMAGE = bytes(range(256)) * 3 + bytes(16)
SEQUENCE = 0x1234


@pytest.fixture(scope="module")
def the_board() -> SimulatedBoard:
    build.build(build.NATIVE)
    return SimulatedBoard(build.image(build.NATIVE).with_name("libsimulated.so"))


@pytest.fixture
def board(the_board: SimulatedBoard) -> SimulatedBoard:
    the_board.reset()
    the_board.settle()
    the_board.output()
    return the_board


def errors_after(board: SimulatedBoard, data: bytes) -> list[dict[str, str]]:
    """The fields of the @error lines that these bytes cause."""
    board.send(data)
    board.silence(2 * link.TIMEOUT_MS)
    lines = filter(link.is_message, board.output().decode().split("\r\n"))
    return [dict(message.fields) for message in map(link.parse_line, lines) if message.name == "error"]


def body(payload: bytes = IMAGE, command: int = link.Command.CLASSIFY, version: int = link.VERSION) -> bytes:
    return link.make_body(command, SEQUENCE, payload, version)


@pytest.mark.parametrize(
    ("data", "fields"),
    [
        (link.wrap_body(body(version=2)), {"name": "version", "version": "2"}),
        (link.wrap_body(body(version=0)), {"name": "version", "version": "0"}),
        (link.wrap_body(body(command=99)), {"name": "command", "command": "99"}),
        (link.wrap_body(body(IMAGE[:-1])), {"name": "size", "bytes": "783", "expected": "784"}),
        (link.wrap_body(body(b"")), {"name": "size", "bytes": "0", "expected": "784"}),
    ],
)
def test_an_error_of_a_whole_frame_has_its_sequence_number(
    data: bytes, fields: dict[str, str], board: SimulatedBoard
) -> None:
    assert errors_after(board, data) == [fields | {"seq": str(SEQUENCE)}]


@pytest.mark.parametrize("size", [1, 9])
def test_short_names_the_bytes_of_the_body(size: int, board: SimulatedBoard) -> None:
    assert errors_after(board, link.wrap_body(body()[:size])) == [{"name": "short", "bytes": str(size)}]


@pytest.mark.parametrize("size", [10, 11, 400, 793])
def test_length_names_both_lengths(size: int, board: SimulatedBoard) -> None:
    [fields] = errors_after(board, link.wrap_body(body()[:size]))
    assert fields == {"name": "length", "length": "784", "bytes": str(size - 10)}


def test_overlong_names_the_limit(board: SimulatedBoard) -> None:
    [fields] = errors_after(board, link.wrap_body(bytes([1]) * (link.MAX_BODY + 1)))
    assert fields == {"name": "overlong", "limit": str(link.MAX_BODY)}


@pytest.mark.parametrize("at", [0, 300, 783])
def test_crc_names_both_checksums(at: int, board: SimulatedBoard) -> None:
    right = body()
    wrong = bytearray(right)
    wrong[link.HEADER_BYTES + at] ^= 0x10
    [fields] = errors_after(board, link.wrap_body(bytes(wrong)))
    received = int.from_bytes(right[-4:], "little")
    computed = link.checksum(bytes(wrong[:-4]))
    assert fields == {"name": "crc", "received": f"{received:08x}", "computed": f"{computed:08x}"}


@pytest.mark.parametrize("size", [1, 2, 400])
def test_timeout_names_the_decoded_bytes(size: int, board: SimulatedBoard) -> None:
    frame = link.wrap_body(bytes([7]) * 794)
    [fields] = errors_after(board, frame[: 2 + size])
    assert fields == {"name": "timeout", "bytes": str(size - (size > 254))}


def test_stuffing_names_the_decoded_bytes(board: SimulatedBoard) -> None:
    whole = bytes([1]) * 267  # without a zero, and with a length field of 257: the right one
    last_block = whole[254:]
    unfinished = bytes([0xFF]) + whole[:254] + bytes([len(last_block) + 2]) + last_block
    assert errors_after(board, b"\0" + unfinished + b"\0") == [{"name": "stuffing", "bytes": "267"}]


def test_an_empty_frame_is_no_frame(board: SimulatedBoard) -> None:
    assert errors_after(board, b"\0\0\0\0") == []


def test_damage_is_one_error_and_the_rest_of_the_frame_none(board: SimulatedBoard) -> None:
    frame = link.wrap_body(body())
    board.send(frame[:300])
    board.send_damaged(frame[300], 512)
    [fields] = errors_after(board, frame[301:])
    assert fields == {"name": "line", "framing": "1", "noise": "0"}
