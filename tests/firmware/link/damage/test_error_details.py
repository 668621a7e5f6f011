"""Each error names what LINK.md promises, for images of every shape: its details, a whole frame's number."""

import shutil

import pytest
import shapes
from simulated_board import SimulatedBoard

from host import link

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler for this computer")

SEQUENCE = 0x1234
OTHERS = link.max_body(0)  # bytes of a body beside its payload


@pytest.fixture(scope="module", params=["cnn", *shapes.NAMES])
def name(request: pytest.FixtureRequest) -> str:
    """The board's model."""
    return str(request.param)


@pytest.fixture(scope="module")
def image(name: str) -> bytes:
    """An image without zeros."""
    count = shapes.model(name).input.count
    return (bytes(range(1, 256)) * (count // 255 + 1))[:count]


@pytest.fixture(scope="module")
def the_board(name: str) -> SimulatedBoard:
    return SimulatedBoard(shapes.simulated_library(name))


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


def body(payload: bytes, command: int = link.Command.CLASSIFY, version: int = link.VERSION) -> bytes:
    return link.make_body(command, SEQUENCE, payload, version)


@pytest.mark.parametrize("version", [0, 1, 3, 255])
def test_version_names_the_version_of_the_frame(version: int, image: bytes, board: SimulatedBoard) -> None:
    fields = {"name": "version", "version": str(version), "seq": str(SEQUENCE)}
    assert errors_after(board, link.wrap_body(body(image, version=version))) == [fields]


def test_command_names_the_command(image: bytes, board: SimulatedBoard) -> None:
    fields = {"name": "command", "command": "99", "seq": str(SEQUENCE)}
    assert errors_after(board, link.wrap_body(body(image, command=99))) == [fields]


def test_size_names_both_sizes(image: bytes, board: SimulatedBoard) -> None:
    for wrong in (image[:-1], image[:1], b""):
        fields = {"name": "size", "bytes": str(len(wrong)), "expected": str(len(image))}
        assert errors_after(board, link.wrap_body(body(wrong))) == [fields | {"seq": str(SEQUENCE)}]


@pytest.mark.parametrize("count", [1, OTHERS - 1])
def test_short_names_the_bytes_of_the_body(count: int, image: bytes, board: SimulatedBoard) -> None:
    assert errors_after(board, link.wrap_body(body(image)[:count])) == [
        {"name": "short", "bytes": str(count)}
    ]


def test_length_names_both_lengths(image: bytes, board: SimulatedBoard) -> None:
    for received in (0, 1, len(image) // 2, len(image) - 1):
        [fields] = errors_after(board, link.wrap_body(body(image)[: OTHERS + received]))
        assert fields == {"name": "length", "length": str(len(image)), "bytes": str(received)}


def test_overlong_names_the_limit(image: bytes, board: SimulatedBoard) -> None:
    limit = link.max_body(len(image))
    [fields] = errors_after(board, link.wrap_body(bytes([1]) * (limit + 1)))
    assert fields == {"name": "overlong", "limit": str(limit)}


def test_the_longest_body_is_not_overlong(image: bytes, board: SimulatedBoard) -> None:
    assert errors_after(board, link.wrap_body(body(image))) == []


def test_crc_names_both_checksums(image: bytes, board: SimulatedBoard) -> None:
    right = body(image)
    for at in (0, len(image) // 2, len(image) - 1):
        wrong = bytearray(right)
        wrong[link.HEADER_BYTES + at] ^= 0x10
        [fields] = errors_after(board, link.wrap_body(bytes(wrong)))
        received = int.from_bytes(right[-4:], "little")
        computed = link.checksum(bytes(wrong[:-4]))
        assert fields == {"name": "crc", "received": f"{received:08x}", "computed": f"{computed:08x}"}


def test_timeout_names_the_decoded_bytes(image: bytes, board: SimulatedBoard) -> None:
    frame = link.wrap_body(bytes([7]) * link.max_body(len(image)))
    for count in (1, 2, len(image)):
        [fields] = errors_after(board, frame[: 2 + count])
        codes = (count - 1) // 255  # each takes the place of a byte
        assert fields == {"name": "timeout", "bytes": str(count - codes)}


def test_stuffing_names_the_decoded_bytes(image: bytes, board: SimulatedBoard) -> None:
    whole = body(image)
    stuffed = bytearray(link.cobs_encode(whole))
    code = 0
    while code + stuffed[code] < len(stuffed):
        code += stuffed[code]
    stuffed[code] += 1
    expected = [{"name": "stuffing", "bytes": str(len(whole))}]
    assert errors_after(board, b"\0" + bytes(stuffed) + b"\0") == expected


def test_an_empty_frame_is_no_frame(board: SimulatedBoard) -> None:
    assert errors_after(board, b"\0\0\0\0") == []


def test_damage_is_one_error_and_the_rest_of_the_frame_none(image: bytes, board: SimulatedBoard) -> None:
    frame = link.wrap_body(body(b"\xff" * len(image)))
    middle = len(frame) // 2
    board.send(frame[:middle])
    board.send_damaged(frame[middle], 512)
    [fields] = errors_after(board, frame[middle + 1 :])
    assert fields == {"name": "line", "framing": "1", "noise": "0"}
