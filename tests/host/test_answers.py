"""Requests that fail, and answers that must not be accepted."""

import itertools

import numpy as np
import pytest
from fake_board import IMAGE, OTHER_IMAGE, SHAPE, FakeBoard, connect, is_right, replace_line
from wire_damage import Wire, damage_first, flip_bit, insert, lose, pass_nothing

from host import link
from host.board import Board
from host.errors import BoardError, BoardFault, BoardReset, CorruptAnswer, NoAnswer
from host.link import errors

ONE_COLOUR = np.full(SHAPE, 200, np.uint8)

# --- Failures that are retried -----------------------------------------------------------------------

DAMAGED_FRAMES: dict[str, tuple[Wire, type[BoardError]]] = {
    "lost byte": (lose(300), errors.TransportError),
    "altered byte": (flip_bit(300), errors.ChecksumMismatch),
    "added byte": (insert(300, b"x"), errors.TransportError),
    "added delimiter": (insert(300, b"\0"), errors.LengthMismatch),
    "cut off": (lambda data: data[:300], errors.FrameTimeout),
    "cut off before its delimiter": (lambda data: data[:300] + b"\0", errors.LengthMismatch),
    "cut off in its header": (lambda data: data[:7] + b"\0", errors.FrameShort),
    "far too long": (insert(300, b"x" * 300), errors.FrameOverlong),
}


@pytest.mark.parametrize(("damage", "error"), DAMAGED_FRAMES.values(), ids=DAMAGED_FRAMES)
def test_a_damaged_frame_is_reported_and_sent_again(
    fake: FakeBoard, damage: Wire, error: type[BoardError]
) -> None:
    board = connect(fake, attempts=1)
    fake.to_board = damage_first(damage)
    board._sequence = 0x1234
    with pytest.raises(error) as caught:
        board.classify(ONE_COLOUR)

    reports: list[str] = []
    board = connect(fake, on_retry=reports.append)
    fake.to_board = damage_first(damage)
    board._sequence = 0x1234
    prediction = board.classify(ONE_COLOUR)
    assert is_right(prediction, ONE_COLOUR)
    assert prediction.retries == tuple(reports)
    assert reports == [f"Attempt 1 of 3 failed, retrying: {caught.value}"]
    assert prediction.seconds < 0.6


@pytest.mark.parametrize(
    "line",
    [
        link.format_line("error", name="overrun", bytes=3),
        link.format_line("error", name="line", framing=2, noise=0),
        link.format_line("boot", firmware="1", reset="watchdog", clock=8, source="hsi", selftest="passed"),
        "@result seq=1 #00000000",
        "x" * 5000,
    ],
    ids=["overrun", "line noise", "reset", "damaged line", "endless line"],
)
def test_an_error_instead_of_an_answer_is_retried(board: Board, fake: FakeBoard, line: str) -> None:
    turns = itertools.count()
    fake.garble = replace_line("result", lambda answer: [line] if next(turns) == 0 else [answer])
    prediction = board.classify(IMAGE)
    assert is_right(prediction)
    assert len(prediction.retries) == 1


@pytest.mark.parametrize("position", [1, 2, 400, 790])
def test_a_reset_during_an_image_is_retried(board: Board, fake: FakeBoard, position: int) -> None:
    fake.reset_at = position
    prediction = board.classify(IMAGE)
    assert is_right(prediction)
    assert len(prediction.retries) == 1
    assert "restarted before it answered (cause of the reset: pin)" in prediction.retries[0]


def test_a_fault_is_reported_once_the_board_has_restarted(board: Board, fake: FakeBoard) -> None:
    fault = link.format_line("fault", name="hard", pc="080001a4", lr="08000101")
    boot = link.format_line("boot", firmware="1", reset="software")
    fake.garble = replace_line("result", lambda _: [fault, boot])
    started = fake.now()
    with pytest.raises(BoardFault, match="crashed with the fault 'hard' at pc=080001a4") as caught:
        board.classify(IMAGE)
    assert caught.value.fields["lr"] == "08000101"
    assert fake.now() - started < 3  # no attempt waits for its time-out


def test_a_fault_without_a_restart_is_reported_after_the_timeout(board: Board, fake: FakeBoard) -> None:
    fake.garble = replace_line("result", lambda _: [link.format_line("fault", name="hard")])
    with pytest.raises(BoardFault, match="unknown address"):
        board.classify(IMAGE)


def test_a_fault_line_without_fields_is_still_a_sentence() -> None:
    assert str(BoardFault({})) == (
        "The board's firmware crashed with the fault 'fault' at pc=an unknown address: report this bug."
    )


def test_a_restart_has_its_reason(fake: FakeBoard) -> None:
    board = connect(fake, attempts=1)
    fake.reset_at = 10
    with pytest.raises(BoardReset) as caught:
        board.classify(IMAGE)
    assert caught.value.reason == "pin"


def test_a_stopped_crystal_is_not_called_a_bug() -> None:
    sentence = str(BoardFault({"name": "clock", "pc": "08000000"}))
    assert sentence.startswith("The board's crystal stopped") and "bug" not in sentence


def test_silence_is_reported_after_all_attempts(board: Board, fake: FakeBoard) -> None:
    fake.to_board = pass_nothing
    started = fake.now()
    with pytest.raises(NoAnswer, match=r"classify request within 5 s: .*\(after 3 attempts\)\.$"):
        board.classify(IMAGE)
    assert fake.now() - started == pytest.approx(3 * 5.0)


def test_one_attempt_is_not_counted_in_the_sentence(fake: FakeBoard) -> None:
    board = connect(fake, attempts=1)
    fake.to_board = damage_first(flip_bit(300))
    with pytest.raises(errors.ChecksumMismatch) as caught:
        board.classify(IMAGE)
    assert "attempts" not in str(caught.value)
    assert is_right(board.classify(IMAGE))


def test_a_request_whose_answer_was_lost_is_repeated_with_a_new_number(board: Board, fake: FakeBoard) -> None:
    turns = itertools.count()
    fake.garble = replace_line("result", lambda line: [] if next(turns) == 0 else [line])
    prediction = board.classify(IMAGE)
    first, second = fake.requests
    assert is_right(prediction)
    assert first.sequence != second.sequence == prediction.sequence


def test_a_late_answer_to_a_failed_attempt_is_accepted(board: Board, fake: FakeBoard) -> None:
    noise = link.format_line("error", name="short", bytes=1)
    fake.garble = replace_line("result", lambda line: [noise, line])
    assert is_right(board.classify(IMAGE))
    assert len(fake.requests) == 1


# --- Failures that are not retried -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "fields"),
    [
        (errors.UnsupportedVersion, {"name": "version", "version": 1}),
        (errors.UnknownCommand, {"name": "command", "command": 2}),
        (errors.WrongImageSize, {"name": "size", "bytes": 784, "expected": 256}),
        (errors.LinkError, {"name": "gremlins"}),
    ],
)
def test_a_refusal_is_not_retried(
    board: Board, fake: FakeBoard, error: type[BoardError], fields: dict[str, object]
) -> None:
    fake.garble = replace_line(
        "result", lambda _: [link.format_line("error", seq=fake.requests[-1].sequence, **fields)]
    )
    with pytest.raises(error):
        board.classify(IMAGE)
    assert len(fake.requests) == 1


def test_a_refusal_while_settling_is_not_retried(board: Board, fake: FakeBoard) -> None:
    def short_then_size(_: str) -> list[str]:
        return [
            link.format_line("error", name="short", bytes=1),
            link.format_line("error", name="size", seq=fake.requests[-1].sequence),
        ]

    fake.garble = replace_line("result", short_then_size)
    with pytest.raises(errors.WrongImageSize):
        board.classify(IMAGE)
    assert len(fake.requests) == 1


def test_a_board_with_a_failed_self_test_gives_its_info_but_no_prediction(
    board: Board, fake: FakeBoard
) -> None:
    fake.selftest = "flash"
    with pytest.raises(errors.SelfTestFailed, match="self-test of its flash failed"):
        board.classify(IMAGE)
    assert board.info().selftest == "flash"
    assert len(fake.requests) == 2


def test_a_refusal_of_an_earlier_request_is_ignored(board: Board, fake: FakeBoard) -> None:
    earlier = (board._sequence - 5) & 0xFFFF
    fake.garble = replace_line(
        "result", lambda line: [link.format_line("error", name="size", seq=earlier), line]
    )
    assert is_right(board.classify(IMAGE))
    assert len(fake.requests) == 1


# --- Answers that must not be accepted ---------------------------------------------------------------


def test_answers_to_earlier_images_are_ignored(board: Board, fake: FakeBoard) -> None:
    earlier: list[str] = []

    def repeat_all(line: str) -> list[str]:
        earlier.append(line)
        return list(earlier)

    fake.garble = replace_line("result", repeat_all)
    for image in (IMAGE, OTHER_IMAGE, IMAGE):
        assert is_right(board.classify(image), image)


def test_repeated_lines_change_nothing(board: Board, fake: FakeBoard) -> None:
    fake.garble = lambda line: [line, line]
    for image in (IMAGE, OTHER_IMAGE, IMAGE):
        prediction = board.classify(image)
        assert is_right(prediction, image)
        assert prediction.retries == ()


def test_an_answer_that_arrived_before_the_request_is_ignored(board: Board, fake: FakeBoard) -> None:
    wrong = link.Frame(link.VERSION, 2, (board._sequence + 1) & 0xFFFF, OTHER_IMAGE.tobytes(), 0)
    fake.say(fake.result_line(wrong))
    fake.wait(1)
    assert is_right(board.classify(IMAGE))


@pytest.mark.parametrize(
    "changes",
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
def test_an_undamaged_answer_that_cannot_be_true_is_refused(
    board: Board, fake: FakeBoard, changes: dict[str, object]
) -> None:
    fake.garble = replace_line("result", lambda _: [fake.result_line(fake.requests[-1], **changes)])
    with pytest.raises(CorruptAnswer):
        board.classify(IMAGE)


def test_the_label_must_be_the_lowest_of_equal_classes(board: Board, fake: FakeBoard) -> None:
    def tie(label: int) -> None:
        fake.garble = replace_line(
            "result",
            lambda _: [fake.result_line(fake.requests[-1], label=label, logits="5,9,9,0,0,0,0,0,0,9")],
        )

    tie(1)
    assert board.classify(IMAGE).label == 1
    tie(2)
    with pytest.raises(CorruptAnswer, match="answered with class 2, but its logits are"):
        board.classify(IMAGE)


def test_an_answer_without_its_fields_is_refused(board: Board, fake: FakeBoard) -> None:
    fake.garble = replace_line(
        "result", lambda _: [link.format_line("result", seq=fake.requests[-1].sequence)]
    )
    with pytest.raises(CorruptAnswer, match="no field 'image'"):
        board.classify(IMAGE)
