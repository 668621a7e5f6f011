"""The board's client against a board in Python, on a wire that does its worst."""

import itertools
import os

import numpy as np
import pytest
from fake_board import FakeBoard, label_of, logits_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host import errors, link
from host.board import Board

DAMAGED_STREAMS = int(os.environ.get("DAMAGED_STREAMS", "2000"))

IMAGE = np.random.default_rng(2).integers(0, 256, (28, 28)).astype(np.uint8)
OTHER_IMAGE = 255 - IMAGE
SOLID = np.full((28, 28), 200, np.uint8)


@pytest.fixture
def fake() -> FakeBoard:
    return FakeBoard()


@pytest.fixture
def board(fake) -> Board:
    return Board(fake)


def is_right(prediction, image=IMAGE) -> bool:
    logits = logits_of(image.tobytes())
    return prediction.logits == logits and prediction.label == label_of(logits)


def once(change):
    """A wire that changes the first thing that passes, and nothing after."""
    turns = itertools.count()
    return lambda data: change(data) if next(turns) == 0 else data


def drop_byte(position):
    return lambda data: data[:position] + data[position + 1 :]


def flip_bit(position, bit=0):
    return lambda data: data[:position] + bytes([data[position] ^ 1 << bit]) + data[position + 1 :]


def insert(position, extra):
    return lambda data: data[:position] + extra + data[position:]


def only(name, change):
    """A `garble` that changes the lines of this name, each into the lines that `change` returns."""
    return lambda line: change(line) if line.startswith(f"@{name} ") else [line]


# --- When all is well --------------------------------------------------------------------------------


def test_classify(board, fake):
    prediction = board.classify(IMAGE)
    assert is_right(prediction)
    assert (prediction.cycles, prediction.finish) == (31845, 12345)
    assert prediction.sequence == fake.requests[0].sequence
    assert prediction.retries == ()
    assert 0.068 < prediction.seconds < 0.2  # 784 bytes take 68 ms at 115200 baud


def test_many_images_over_the_sequence_numbers_end(board, fake):
    board._sequence = 0xFFFE
    for image in (IMAGE, OTHER_IMAGE, IMAGE, OTHER_IMAGE):
        assert is_right(board.classify(image), image)
    assert [request.sequence for request in fake.requests] == [0xFFFF, 0, 1, 2]


def test_sequence_numbers_start_anywhere():
    assert len({Board(FakeBoard())._sequence for _ in range(20)}) > 1


def test_info(board):
    info = board.info()
    assert (info.link, info.firmware, info.model, info.checksum) == (1, "1.2.3", "linear", 0x0BADCAFE)
    assert (info.clock, info.source, info.rows, info.cols, info.classes) == (72_000_000, "hse", 28, 28, 10)
    assert (info.reset, info.selftest, info.stack) == ("power", "passed", 512)


def test_a_board_without_a_cycle_counter(board, fake):
    fake.garble = only("result", lambda _: [fake_line_without_cycles(fake)])
    prediction = board.classify(IMAGE)
    assert (prediction.cycles, prediction.finish) == (None, None)


def fake_line_without_cycles(fake):
    message = link.parse_line(fake.result_line(fake.requests[-1]))
    return link.format_line(
        "result", **{key: text for key, text in message.fields.items() if key not in ("cycles", "finish")}
    )


@pytest.mark.parametrize(
    "image",
    [
        IMAGE,
        IMAGE.reshape(784),
        IMAGE.tobytes(),
        bytearray(IMAGE.tobytes()),
        IMAGE.tolist(),
        IMAGE.astype(int),
    ],
    ids=["array", "flat", "bytes", "bytearray", "lists", "int64"],
)
def test_images_of_many_kinds(board, image):
    assert is_right(board.classify(image))


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (IMAGE[:27], "shape"),
        (b"123", "shape"),
        ([[1, 2], [3]], "no image"),
        (None, "shape"),
        (IMAGE / 255, "float64"),
        (IMAGE.astype(int) + 1, "values of 1 to 256"),
        (IMAGE.astype(int) - 1, "values of -1 to"),
        (IMAGE > 3, "bool"),
        ("x" * 784, "shape"),
    ],
)
def test_what_is_no_image_is_refused_and_nothing_sent(board, fake, image, why):
    with pytest.raises(errors.BadImage, match=why) as caught:
        board.classify(image)
    assert isinstance(caught.value, ValueError)
    assert fake.requests == []


def test_lines_for_people_can_be_watched(fake):
    lines = []
    board = Board(fake, on_line=lines.append)
    board.classify(IMAGE)
    board.info()
    assert lines[0] == "Image data received successfully"
    assert sum(line.startswith("Class ") for line in lines) == 10


def test_raw_bytes_and_messages(board, fake):
    board.send_raw(link.encode_frame(9, 77))
    message = board.read_message(timeout=1)
    assert (message.name, message.text("name"), message.number("seq")) == ("error", "command", 77)
    fake.say("hello")
    assert board.read_line(timeout=1) == "hello"
    with pytest.raises(errors.NoAnswer):
        board.read_line(timeout=1)


def test_a_stream_without_a_clock(monkeypatch, fake):
    monkeypatch.delattr(FakeBoard, "now")
    assert is_right(Board(fake).classify(IMAGE))


# --- Faults that are retried -------------------------------------------------------------------------

FRAME_FAULTS = {
    "lost byte": (drop_byte(300), errors.TransportError),
    "altered byte": (flip_bit(300), errors.ChecksumMismatch),
    "added byte": (insert(300, b"x"), errors.TransportError),
    "added border": (insert(300, b"\0"), errors.LengthMismatch),
    "cut off": (lambda data: data[:300], errors.FrameTimeout),
    "cut off but for its border": (lambda data: data[:300] + b"\0", errors.LengthMismatch),
    "cut off in its header": (lambda data: data[:7] + b"\0", errors.FrameShort),
    "far too long": (insert(300, b"x" * 300), errors.FrameOverlong),
}


@pytest.mark.parametrize(("damage", "error"), FRAME_FAULTS.values(), ids=FRAME_FAULTS)
def test_a_damaged_frame_is_named_and_sent_again(fake, damage, error):
    fake.to_board = once(damage)
    board = Board(fake, attempts=1)
    board._sequence = 0x1234
    with pytest.raises(error) as caught:
        board.classify(SOLID)

    told = []
    fake.to_board = once(damage)
    board = Board(fake, on_retry=told.append)
    board._sequence = 0x1234
    prediction = board.classify(SOLID)
    assert is_right(prediction, SOLID)
    assert prediction.retries == tuple(told)
    assert told == [f"Attempt 1 of 3 failed and is repeated: {caught.value}"]
    assert prediction.seconds < 0.6


@pytest.mark.parametrize(
    "why",
    [
        link.format_line("error", name="overrun", bytes=3),
        link.format_line("error", name="line", framing=2, noise=0),
        link.format_line("boot", firmware="1", reset="watchdog", clock=8, source="hsi", selftest="passed"),
        "@result seq=1 #00000000",
        "x" * 5000,
    ],
    ids=["overrun", "line noise", "reset", "damaged line", "endless line"],
)
def test_what_the_board_says_instead_of_an_answer_is_retried(board, fake, why):
    turns = itertools.count()
    fake.garble = only("result", lambda line: [why] if next(turns) == 0 else [line])
    prediction = board.classify(IMAGE)
    assert is_right(prediction)
    assert len(prediction.retries) == 1


@pytest.mark.parametrize("position", [1, 2, 400, 790])
def test_a_reset_in_the_middle_of_an_image(board, fake, position):
    fake.reset_at = position
    prediction = board.classify(IMAGE)
    assert is_right(prediction)
    assert "reset" in prediction.retries[0] and "pin" in prediction.retries[0]


def test_a_fault_is_told_with_its_registers_once_the_board_is_back(board, fake):
    fault = link.format_line("fault", name="hardfault", pc="080001a4", lr="08000101")
    boot = link.format_line("boot", firmware="1", reset="software")
    fake.garble = only("result", lambda _: [fault, boot])
    with pytest.raises(errors.BoardFault, match="hardfault at pc=080001a4") as caught:
        board.classify(IMAGE)
    assert caught.value.fields["lr"] == "08000101"
    fake.garble = only("result", lambda _: [fault])
    with pytest.raises(errors.BoardFault):
        board.classify(IMAGE)


def test_silence(board, fake):
    fake.to_board = lambda data: b""
    with pytest.raises(errors.NoAnswer, match=r"classify request within 5 s: .*\(after 3 attempts\)\.$"):
        board.classify(IMAGE)
    assert fake.now() == pytest.approx(3 * 5.0)


def test_attempts_can_be_limited(fake):
    fake.to_board = once(flip_bit(300))
    with pytest.raises(errors.ChecksumMismatch) as caught:
        Board(fake, attempts=1).classify(IMAGE)
    assert "attempts" not in str(caught.value)
    assert is_right(Board(fake).classify(IMAGE))


def test_a_lost_answer_is_asked_for_with_a_new_number(board, fake):
    turns = itertools.count()
    fake.garble = only("result", lambda line: [] if next(turns) == 0 else [line])
    prediction = board.classify(IMAGE)
    first, second = fake.requests
    assert is_right(prediction)
    assert first.sequence != second.sequence == prediction.sequence


def test_a_late_answer_to_an_earlier_attempt_is_still_the_images(board, fake):
    noise = link.format_line("error", name="short", bytes=1)
    fake.garble = only("result", lambda line: [noise, line])
    assert is_right(board.classify(IMAGE))
    assert len(fake.requests) == 1


# --- Faults that are not -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "fields"),
    [
        (errors.UnsupportedVersion, {"name": "version", "version": 1}),
        (errors.UnknownCommand, {"name": "command", "command": 2}),
        (errors.WrongImageSize, {"name": "size", "bytes": 784, "expected": 256}),
        (errors.LinkError, {"name": "gremlins"}),
    ],
)
def test_refusals_are_not_repeated(board, fake, error, fields):
    fake.garble = only(
        "result", lambda _: [link.format_line("error", seq=fake.requests[-1].sequence, **fields)]
    )
    with pytest.raises(error):
        board.classify(IMAGE)
    assert len(fake.requests) == 1


def test_a_board_that_failed_its_self_test_says_so_and_still_gives_its_info(board, fake):
    fake.selftest = "flash"
    with pytest.raises(errors.SelfTestFailed, match="self-test of its flash failed"):
        board.classify(IMAGE)
    assert board.info().selftest == "flash"
    assert len(fake.requests) == 2


def test_a_refusal_of_an_earlier_request_is_ignored(board, fake):
    fake.garble = only("result", lambda line: [link.format_line("error", name="size", seq=earlier), line])
    earlier = (board._sequence - 5) & 0xFFFF
    assert is_right(board.classify(IMAGE))


# --- Answers that must not be believed ---------------------------------------------------------------


def test_stale_answers_are_ignored(board, fake):
    said = []
    fake.garble = only("result", lambda line: said.append(line) or [*said[:-1], line])
    for image in (IMAGE, OTHER_IMAGE, IMAGE):
        assert is_right(board.classify(image), image)


def test_repeated_lines_change_nothing(board, fake):
    fake.garble = lambda line: [line, line]
    for image in (IMAGE, OTHER_IMAGE, IMAGE):
        prediction = board.classify(image)
        assert is_right(prediction, image)
        assert prediction.retries == ()


def test_an_answer_that_comes_before_the_question_is_ignored(board, fake):
    wrong = link.Frame(1, 2, (board._sequence + 1) & 0xFFFF, OTHER_IMAGE.tobytes(), 0)
    fake.say(fake.result_line(wrong))
    fake._clock += 1
    assert is_right(board.classify(IMAGE))


@pytest.mark.parametrize(
    "lie",
    [
        {"image": "00000000"},
        {"image": "x"},
        {"label": 11},
        {"label": -1},
        {"logits": "1,2,3,4,5,6,7,8,9"},
        {"logits": "0," * 10 + "0"},
        {"logits": "a"},
        {"cycles": "many"},
        {"finish": "late"},
        {"seq": "x"},
    ],
    ids=str,
)
def test_an_answer_that_is_whole_but_cannot_be_true(board, fake, lie):
    fake.garble = only("result", lambda _: [fake.result_line(fake.requests[-1], **lie)])
    with pytest.raises(errors.CorruptAnswer):
        board.classify(IMAGE)


def test_the_label_must_be_the_lowest_of_the_largest(board, fake):
    tie = "5,9,9,0,0,0,0,0,0,9"
    fake.garble = only("result", lambda _: [fake.result_line(fake.requests[-1], label=1, logits=tie)])
    assert board.classify(IMAGE).label == 1
    fake.garble = only("result", lambda _: [fake.result_line(fake.requests[-1], label=2, logits=tie)])
    with pytest.raises(errors.CorruptAnswer, match="contradicts itself"):
        board.classify(IMAGE)


def test_a_result_without_its_fields(board, fake):
    fake.garble = only("result", lambda _: [link.format_line("result", seq=fake.requests[-1].sequence)])
    with pytest.raises(errors.CorruptAnswer, match="no field 'image'"):
        board.classify(IMAGE)


# --- Greeting a board --------------------------------------------------------------------------------


def test_a_board_that_is_booting(board, fake):
    fake.boot()
    assert board.greet().model == "linear"


def test_a_board_that_boots_slowly(board, fake):
    fake._deaf_until = 3.0
    assert board.greet(boot_timeout=5).model == "linear"


def test_a_port_with_garbage_in_it(board, fake):
    fake.send(b"\xff\x00@resu\xfelt la")
    assert board.greet().model == "linear"


def test_a_board_left_in_the_middle_of_a_frame(board, fake):
    fake.write(link.encode_frame(2, 3, IMAGE.tobytes())[:500])
    assert board.greet().model == "linear"


def test_nobody_there(board, fake):
    fake.to_board = lambda data: b""
    with pytest.raises(errors.NoAnswer, match=r"within 2 s: check its power.*PA10"):
        board.greet(boot_timeout=2)
    assert fake.now() == pytest.approx(2)


@pytest.mark.parametrize("said", [b"debian login: ", b"\xf0\xf8\x80" * 9, b"ERROR\r\n" * 3, b"@boot\r\n"])
def test_something_else_answers(board, fake, said):
    def answer(_):
        fake.send(said)
        return b""

    fake.to_board = answer
    with pytest.raises(errors.NotThisFirmware, match="saying '") as caught:
        board.greet(boot_timeout=2)
    assert "\n" not in str(caught.value)
    assert fake.now() < 4


def test_an_echo_is_no_board(board, fake):
    fake.to_board = lambda data: fake.send(data) or b""
    with pytest.raises(errors.NotThisFirmware):
        board.greet(boot_timeout=2)


@pytest.mark.parametrize("babble", [b"login:\r\n" * 20_000, b"\xaa" * 200_000])
def test_something_that_never_stops_talking(board, fake, babble):
    fake.send(babble)
    with pytest.raises(errors.NotThisFirmware):
        board.greet(boot_timeout=2)
    assert fake.now() < 4


def test_a_board_with_another_link(board, fake):
    fake.link_version = 2
    with pytest.raises(errors.UnsupportedVersion, match="different versions"):
        board.greet()
    fake.link_version = 1
    fake.garble = lambda line: [fake.info_line(fake.requests[-1].sequence, link=2)]
    with pytest.raises(errors.UnsupportedVersion):
        board.greet()


def test_a_board_whose_info_is_incomplete(board, fake):
    fake.garble = lambda line: [line.replace("stack", "stock"), fake.info_line(0, link=1)]
    with pytest.raises(errors.CorruptAnswer):
        board.greet(boot_timeout=1)


def test_a_noisy_board_is_told_by_its_own_error(board, fake):
    fake.to_board = flip_bit(2, bit=1)
    with pytest.raises(errors.ChecksumMismatch):
        board.greet(boot_timeout=2)


# --- The host's side of a disaster -------------------------------------------------------------------


@pytest.mark.parametrize("method", ["read", "write"])
def test_an_adapter_that_is_pulled_out(board, fake, monkeypatch, method):
    def gone(*_):
        raise OSError("device disconnected")

    monkeypatch.setattr(fake, method, gone)
    with pytest.raises(errors.PortError, match=r"was lost .*plugged in"):
        board.classify(IMAGE)


def test_ctrl_c_leaves_the_stream_closed(fake, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Board(fake) as board:
        monkeypatch.setattr(fake, "read", interrupt)
        board.classify(IMAGE)
    assert fake.closed


# --- Thousands of damaged streams --------------------------------------------------------------------

POSITIONS = st.integers(0, 900) | st.integers(0, 12) | st.integers(785, 802)


def lose(at, n):
    return lambda data: data[:at] + data[at + n :]


def repeat(at, n):
    return lambda data: data[: at + n] + data[at:]


def swap(at, n):
    return lambda data: data[:at] + data[at + n : at + 2 * n] + data[at : at + n] + data[at + 2 * n :]


def alter(at, bit):
    return lambda data: flip_bit(at % len(data), bit)(data) if data else data


DAMAGES = st.one_of(
    st.builds(lose, POSITIONS, st.integers(1, 40) | st.just(1000)),
    st.builds(insert, POSITIONS, st.binary(min_size=1, max_size=40) | st.just(b"\0")),
    st.builds(repeat, POSITIONS, st.integers(1, 400)),
    st.builds(swap, POSITIONS, st.integers(1, 300)),
    st.builds(alter, POSITIONS, st.integers(0, 7)),
    st.just(lambda data: data + data),
    st.just(lambda data: b""),
)
WIRES = st.lists(st.none() | st.lists(DAMAGES, min_size=1, max_size=3), max_size=4)


def damaged(wire):
    """A wire that damages the n-th thing that passes by the n-th list of damages, and nothing after."""
    turns = iter(wire)

    def pass_on(data):
        for damage in next(turns, None) or ():
            data = damage(data)
        return data

    return pass_on


@settings(max_examples=DAMAGED_STREAMS, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WIRES, WIRES, st.none() | st.integers(1, 1700), st.integers(0, 0xFFFF))
def test_every_answer_is_right_or_an_error_and_the_next_one_is_right(to_board, to_host, reset_at, sequence):
    fake = FakeBoard()
    fake.to_board, fake.to_host, fake.reset_at = damaged(to_board), damaged(to_host), reset_at
    board = Board(fake, timeout=1.0)
    board._sequence = sequence
    for image in (IMAGE, OTHER_IMAGE):
        try:
            assert is_right(board.classify(image), image)
        except errors.BoardError as error:
            assert str(error)
    fake.to_board = fake.to_host = lambda data: data
    fake.reset_at = None
    assert is_right(board.classify(IMAGE))
    assert (
        fake.now() < 3 * 3 * 2.1
    )  # three images, three attempts of 1 s, each followed by at most 1 s of settling


# --- Another baud rate -------------------------------------------------------------------------------


def test_the_baud_rate_changes_on_both_sides(board, fake):
    assert board.change_baud(1_000_000) == 1_000_000
    assert fake.rate == fake.baudrate == 1_000_000
    assert is_right(board.classify(IMAGE))


def test_a_wire_that_is_too_bad_for_the_rate_goes_back_to_the_default(board, fake):
    told: list[str] = []
    board.on_retry = told.append
    assert board.change_baud(2_000_000) == link.DEFAULT_BAUD
    assert fake.rate == fake.baudrate == link.DEFAULT_BAUD
    assert len(told) == 1
    assert is_right(board.classify(IMAGE))


@pytest.mark.parametrize("baud", [-5, 57_600, 2_000_001, 5_000_000_000])
def test_a_rate_that_there_is_not_is_never_asked_for(board, fake, baud):
    with pytest.raises(errors.PortError, match=f"no rate of {baud} baud: choose one from 115200 to 2000000"):
        board.change_baud(baud)
    assert is_right(board.classify(IMAGE))


def test_a_rate_that_the_board_cannot_make_is_an_error_of_its_own(board, fake):
    with pytest.raises(errors.UnsupportedBaud, match="cannot make 123456 baud"):
        board.change_baud(123456)
    assert fake.baudrate == link.DEFAULT_BAUD
