"""Version 1 of the link on the other side: each side reports it by name.

The bytes of version 1 were recorded from its firmware, with the model cnn, and from its host.
"""

import shutil

import pytest
import shapes
from simulated_board import SimulatedBoard

from host import link
from host.board import Board
from host.link.errors import UnsupportedVersion

# What a host of version 1 sent: command, sequence number, frame.
INFO_1 = 1, 0x1234, bytes.fromhex("00050101341201055e43152700")
BAUD_1 = 3, 0x1235, bytes.fromhex("000601033512040440420f0539b0aafc00")
IMAGE_1 = (  # every pixel is 255
    2,
    0x1236,
    bytes.fromhex("00ff010236121003") + b"\xff" * 248 + b"\xff" + b"\xff" * 254 + b"\xff" + b"\xff" * 254
    + b"\x21" + b"\xff" * 28 + bytes.fromhex("506bd52200"),
)  # fmt: skip

# What a board of version 1 sent at boot, and in answer to a whole frame of version 2 with the number 4660.
BOOT_1 = (
    b"\r\nMNIST on a Blue Pill, firmware 0.1.0, model cnn\r\nClock: 72 MHz from the crystal\r\n"
    b"@boot firmware=0.1.0 reset=power clock=72000000 source=hse selftest=passed #e6dd451b\r\n"
    b"Ready for next image\r\n"
)
REFUSAL_1 = b"@error name=version seq=4660 version=2 #ef90b207\r\n"


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler for this computer")
@pytest.mark.parametrize("name", ["cnn", *shapes.NAMES])
def test_a_host_of_version_1_gets_the_error_version(name: str) -> None:
    board = SimulatedBoard(shapes.simulated_library(name))
    board.settle()
    board.output()
    for command, sequence, frame in (INFO_1, BAUD_1, IMAGE_1):
        board.send(frame)
        board.silence(2 * link.TIMEOUT_MS)
        lines = board.output().decode().split("\r\n")
        expected = link.format_line("error", name="version", seq=sequence, version=1)
        limit = link.max_body(shapes.model(name).input.count)
        if command == link.Command.CLASSIFY and limit < 794:
            expected = link.format_line("error", name="overlong", limit=limit)
        assert lines == [expected, ""]


class BoardOfVersion1:
    """The recorded board as a stream. It answers the first frame."""

    def __init__(self) -> None:
        self.timeout: float | None = 0.0
        self._time = 0.0
        self._output = BOOT_1
        self.frames: list[bytes] = []

    def now(self) -> float:
        return self._time

    def read(self, size: int = 1, /) -> bytes:
        if not self._output:
            self._time += self.timeout or 0.0
        data, self._output = self._output[:size], self._output[size:]
        return data

    def write(self, data: bytes, /) -> int:
        self.frames.append(data)
        self._output += REFUSAL_1
        return len(data)

    def close(self) -> None:
        pass


def test_a_host_names_a_board_of_version_1() -> None:
    stream = BoardOfVersion1()
    board = Board(stream)
    board._sequence = 4659
    with pytest.raises(UnsupportedVersion, match="use different versions of the link") as caught:
        board.greet()
    assert caught.value.fields == {"name": "version", "seq": "4660", "version": "2"}
    assert stream.frames == [link.encode_frame(link.Command.INFO, 4660)]


def test_an_image_is_not_sent_to_a_board_of_version_1() -> None:
    stream = BoardOfVersion1()
    board = Board(stream)
    board._sequence = 4659
    with pytest.raises(UnsupportedVersion):
        board.classify(bytes(784))
    assert len(stream.frames) == 1
