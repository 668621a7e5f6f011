"""The client on an undamaged wire: images, predictions, the board's info."""

from typing import Any

import numpy as np
import pytest
from fake_board import CLASS_NAMES, IMAGE, OTHER_IMAGE, SHAPE, FakeBoard, connect, is_right, replace_line

from host import link
from host.board import Board
from host.errors import BadImage, CorruptAnswer, NoAnswer, PortError


def test_classify(board: Board, fake: FakeBoard) -> None:
    prediction = board.classify(IMAGE)
    assert is_right(prediction)
    assert (prediction.cycles, prediction.finish) == (31845, 12345)
    assert prediction.sequence == fake.requests[0].sequence
    assert prediction.retries == ()
    assert prediction.name == CLASS_NAMES[prediction.label]
    wire_seconds = IMAGE.size * link.BITS_PER_BYTE / link.DEFAULT_BAUD
    assert wire_seconds < prediction.seconds < wire_seconds + 0.13


def test_sequence_numbers_wrap_after_65535(board: Board, fake: FakeBoard) -> None:
    board._sequence = 0xFFFE
    for image in (IMAGE, OTHER_IMAGE, IMAGE, OTHER_IMAGE):
        assert is_right(board.classify(image), image)
    assert [request.sequence for request in fake.requests] == [0xFFFF, 0, 1, 2]


def test_the_first_sequence_number_is_random() -> None:
    assert len({Board(FakeBoard())._sequence for _ in range(20)}) > 1


def test_info(board: Board) -> None:
    info = board.info()
    assert (info.link, info.firmware, info.model, info.checksum) == (2, "1.2.3", "linear", 0x0BADCAFE)
    assert (info.clock, info.source) == (72_000_000, "hse")
    assert (info.channels, info.rows, info.cols) == info.shape == SHAPE
    assert info.class_names == CLASS_NAMES and info.classes == len(CLASS_NAMES)
    assert (info.reset, info.selftest, info.stack) == ("power", "passed", 512)


@pytest.mark.parametrize("shape", [(1, 4, 4), (1, 28, 28), (1, 12, 20), (3, 32, 32), (1, 64, 64)])
@pytest.mark.parametrize("classes", [2, 26, 64])
def test_an_image_of_any_shape_is_classified(shape: tuple[int, int, int], classes: int) -> None:
    names = tuple(f"=,%{number}" for number in range(classes))
    image = np.random.default_rng(classes).integers(0, 256, shape).astype(np.uint8)
    with Board(FakeBoard(shape, names)) as board:
        prediction = board.classify(image)
        assert is_right(prediction, image) and len(prediction.logits) == classes
        assert prediction.name == names[prediction.label]
        assert board.info().shape == shape and board.info().class_names == names


def test_a_client_that_has_not_greeted_asks_for_the_info_once(fake: FakeBoard) -> None:
    board = Board(fake)
    for image in (IMAGE, OTHER_IMAGE):
        assert is_right(board.classify(image), image)
    assert [request.command for request in fake.requests] == [1, 2, 2]


def test_an_image_of_three_channels_is_not_flattened() -> None:
    fake = FakeBoard((3, 8, 6))
    board = connect(fake)
    for wrong in (np.zeros((8, 6)), np.zeros((8, 6, 3), int), np.zeros((1, 3, 8, 6), int)):
        with pytest.raises(BadImage, match="the board takes 3 x 8 x 6 integers from 0 to 255"):
            board.classify(wrong)
    assert fake.requests == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": 9}, "reports 9 classes and 10 names"),
        ({"names": "a,b"}, "reports 10 classes and 2 names"),
        ({"names": "a,,b"}, "no list of names"),
        ({"rows": 0}, "images of 0 x 28, which fit no frame"),
        ({"cols": -28}, "images of 28 x -28, which"),
        ({"rows": 2341}, "images of 2341 x 28, which"),
        ({"channels": 84}, "images of 84 x 28 x 28, which"),
    ],
)
def test_an_undamaged_info_line_that_cannot_be_true_is_refused(
    fake: FakeBoard, changes: dict[str, object], message: str
) -> None:
    fake.garble = replace_line("info", lambda _: [fake.info_line(fake.requests[-1].sequence, **changes)])
    with pytest.raises(CorruptAnswer, match=message):
        Board(fake).info()


def test_cycles_are_none_if_the_board_has_no_counter(board: Board, fake: FakeBoard) -> None:
    def without_cycles(line: str) -> list[str]:
        fields = link.parse_line(line).fields
        return [
            link.format_line("result", **{k: v for k, v in fields.items() if k not in ("cycles", "finish")})
        ]

    fake.garble = replace_line("result", without_cycles)
    prediction = board.classify(IMAGE)
    assert is_right(prediction)
    assert (prediction.cycles, prediction.finish) == (None, None)


@pytest.mark.parametrize(
    "image",
    [
        IMAGE,
        IMAGE[0],
        IMAGE.ravel(),
        IMAGE.tobytes(),
        bytearray(IMAGE.tobytes()),
        IMAGE.tolist(),
        IMAGE.astype(int),
    ],
    ids=["array", "without the channel", "flat", "bytes", "bytearray", "lists", "int64"],
)
def test_any_array_like_of_the_right_shape_is_an_image(board: Board, image: Any) -> None:
    assert is_right(board.classify(image))


@pytest.mark.parametrize("value", [0, 255])
def test_the_smallest_and_the_largest_pixel_are_accepted(board: Board, value: int) -> None:
    image = np.full(SHAPE, value)
    assert is_right(board.classify(image), image.astype(np.uint8))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (IMAGE[0, :27], r"shape \(27, 28\)"),
        (IMAGE.reshape(56, 14), r"shape \(56, 14\)"),
        (b"123", r"shape \(3,\)"),
        ([[1, 2], [3]], "not an image"),
        (None, r"shape \(\)"),
        (IMAGE / 255, "type float64"),
        (IMAGE.astype(int) + 1, "values from 1 to 256"),
        (IMAGE.astype(int) - 1, "values from -1 to"),
        (IMAGE > 3, "type bool"),
        ("x" * IMAGE.size, r"shape \(\)"),
    ],
)
def test_a_bad_image_is_refused_before_sending(
    board: Board, fake: FakeBoard, image: Any, message: str
) -> None:
    with pytest.raises(
        BadImage, match=message + ".*: the board takes 28 x 28 integers from 0 to 255"
    ) as caught:
        board.classify(image)
    assert isinstance(caught.value, ValueError)
    assert fake.requests == []


def test_on_line_receives_the_lines_for_people(fake: FakeBoard) -> None:
    lines: list[str] = []
    board = connect(fake, on_line=lines.append)
    lines.clear()
    board.classify(IMAGE)
    board.info()
    assert lines[0] == "Image data received successfully"
    assert sum(line.startswith("Class ") for line in lines) == len(CLASS_NAMES)


def test_the_connection_sends_and_receives_raw(board: Board, fake: FakeBoard) -> None:
    board.connection.send(link.encode_frame(9, 77))
    message = board.connection.read_message(timeout=1)
    assert (message.name, message.text("name"), message.number("seq")) == ("error", "command", 77)
    fake.say("hello")
    assert board.connection.read_line(timeout=1) == "hello"
    started = fake.now()
    with pytest.raises(NoAnswer):
        board.connection.read_line(timeout=1)
    assert fake.now() == pytest.approx(started + 1)


def test_lines_that_arrived_before_a_request_are_reported_but_do_not_count(fake: FakeBoard) -> None:
    fake.say(*["hello"] * 1500, link.format_line("error", name="short", bytes=1))
    fake.wait(2)
    lines: list[str] = []
    prediction = Board(fake, on_line=lines.append).classify(IMAGE)
    assert is_right(prediction) and prediction.retries == ()
    assert lines[:1500] == ["hello"] * 1500


def test_an_endless_line_that_arrived_before_a_request_does_not_count(board: Board, fake: FakeBoard) -> None:
    fake.send(b"x" * 5000 + b"\n")
    fake.wait(2)
    prediction = board.classify(IMAGE)
    assert is_right(prediction) and prediction.retries == ()


def test_a_stream_without_a_clock_runs_on_host_time(monkeypatch: pytest.MonkeyPatch, fake: FakeBoard) -> None:
    monkeypatch.delattr(FakeBoard, "now")
    assert is_right(Board(fake).classify(IMAGE))


@pytest.mark.parametrize("method", ["read", "write"])
def test_a_pulled_adapter_is_a_port_error(
    board: Board, fake: FakeBoard, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError("device disconnected")

    monkeypatch.setattr(fake, method, fail)
    with pytest.raises(PortError, match=r"was lost \(device disconnected\).*plugged in"):
        board.classify(IMAGE)


def test_closing_a_lost_port_is_not_an_error(fake: FakeBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError("device disconnected")

    monkeypatch.setattr(fake, "close", fail)
    with Board(fake) as board:
        assert is_right(board.classify(IMAGE))


def test_ctrl_c_closes_the_stream(fake: FakeBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> bytes:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Board(fake) as board:
        monkeypatch.setattr(fake, "read", interrupt)
        board.classify(IMAGE)
    assert fake.closed
