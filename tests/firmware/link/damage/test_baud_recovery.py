"""The link's rule for errors at a raised baud rate: no session is lost and no answer is wrong.

The host's client and the firmware's application talk over a wire that is simulated bit by bit, on which each
end has its own rate. The environment variable BAUD_SCHEDULES sets the number of random schedules.
"""

import os
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import pytest
import shapes
from faulty_board import FaultyBoard

from compiler import reference
from host import link
from host.board import Board
from host.errors import BoardError

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler for this computer")

SCHEDULES = int(os.environ.get("BAUD_SCHEDULES", "300"))
FIRST_SCHEDULE = int(os.environ.get("BAUD_FIRST_SCHEDULE", "0"))
RAISED = 1_000_000
MOMENTS = 150  # of a reset during an exchange
RATES = (115_200, 150_000, 230_400, 460_800, 921_600, 1_000_000, 2_000_000)
START_BIT, STOP_BIT = 1, 1 << 9


@dataclass
class Image:
    pixels: bytes
    logits: tuple[int, ...]

    @cached_property
    def frame_bytes(self) -> int:
        """Of the request with this image."""
        return len(link.encode_frame(link.Command.CLASSIFY, 0x1234, self.pixels))

    def frame_seconds(self, rate: int) -> float:
        """How long the request takes at a rate."""
        return self.frame_bytes * link.BITS_PER_BYTE / rate

    @property
    def answer_bytes(self) -> int:
        """Of the answer, about."""
        return 200 + 25 * len(self.logits)


@pytest.fixture(scope="module", params=["cnn", "rgb-32x32", shapes.SMALLEST, shapes.LARGEST])
def name(request: pytest.FixtureRequest) -> str:
    """The board's model."""
    return str(request.param)


@pytest.fixture(scope="module")
def images(name: str) -> list[Image]:
    pictures = shapes.images(name, 8)
    logits = reference.run(shapes.model(name), pictures)
    return [
        Image(picture.tobytes(), tuple(row.tolist())) for picture, row in zip(pictures, logits, strict=True)
    ]


@pytest.fixture(scope="module")
def the_board(name: str) -> FaultyBoard:
    return FaultyBoard(shapes.simulated_library(name))


@pytest.fixture(scope="module")
def recovery_seconds(name: str) -> float:
    """LINK.md: a second, and the time of an @info line."""
    names = link.escape_names(shapes.model(name).class_names)
    return 1 + (230 + len(names)) * link.BITS_PER_BYTE / link.DEFAULT_BAUD


@pytest.fixture
def board(the_board: FaultyBoard) -> Iterator[FaultyBoard]:
    """The board, just booted, and the host at the default rate."""
    power_on(the_board)
    yield the_board
    the_board.heal()
    the_board.baudrate = 0


def power_on(board: FaultyBoard) -> None:
    board.heal()
    board.reset()
    board.baudrate = link.DEFAULT_BAUD
    board.settle()
    board.output()


@dataclass
class Client:
    """A host's session, with what it reported and when."""

    stream: FaultyBoard
    reports: list[str] = field(default_factory=list)
    reported_at: float = 0.0

    def __post_init__(self) -> None:
        self.board = Board(self.stream, on_retry=self._report, attempts=6)

    def _report(self, sentence: str) -> None:
        self.reports.append(sentence)
        self.reported_at = self.stream.now()

    def is_right(self, image: Image) -> bool:
        return self.board.classify(image.pixels).logits == image.logits


def raised(stream: FaultyBoard, rate: int = RAISED) -> Client:
    """A session at a raised rate."""
    client = Client(stream)
    assert client.board.change_baud(rate) == rate
    return client


# --- One fault ---


@pytest.mark.parametrize("direction", ["to the board", "to the host"])
@pytest.mark.parametrize("rate", [link.RAISED_BAUD, 230_400, RAISED])
def test_one_damaged_character_costs_at_most_one_retry_at_the_same_rate(
    board: FaultyBoard, images: list[Image], rate: int, direction: str
) -> None:
    client = raised(board, rate)
    to_board = direction == "to the board"
    retries = 0
    count = min(image.frame_bytes for image in images) if to_board else images[0].answer_bytes
    for place in range(0, count, max(1, count // 60)):
        bits = 1 << place % 10 if place % 3 else STOP_BIT
        if to_board:
            board.input_damage = (place, bits)
        else:
            board.damage_output(place, bits)
        prediction = client.board.classify(images[place % len(images)].pixels)
        board.heal()

        assert prediction.logits == images[place % len(images)].logits
        assert len(prediction.retries) <= 1, prediction.retries
        assert board.board_baud == board.baudrate == rate
        retries += len(prediction.retries)
    assert retries > 10


def test_a_framing_error_on_an_idle_line_does_not_end_the_session(
    board: FaultyBoard, images: list[Image], recovery_seconds: float
) -> None:
    """The board falls back, as it cannot tell the error from another host; its own host finds it again."""
    client = raised(board)
    board.send_damaged(0xFF, START_BIT | STOP_BIT)
    board.silence(2 * link.FOLLOW_MS)
    assert board.board_baud == link.DEFAULT_BAUD
    begin = board.now()

    assert client.is_right(images[0])
    assert client.reported_at - begin < recovery_seconds + images[0].frame_seconds(RAISED)
    assert any("so the link is back at 115200" in report for report in client.reports)


@pytest.mark.parametrize("rate", [230_400, RAISED])
def test_a_reset_at_any_moment_of_an_exchange_is_recovered_from(
    board: FaultyBoard, images: list[Image], recovery_seconds: float, rate: int
) -> None:
    longest = images[0].frame_seconds(rate) + images[0].answer_bytes * link.BITS_PER_BYTE / rate
    for number in range(MOMENTS):
        moment = number / MOMENTS * 1.1 * longest  # the answer's end included
        power_on(board)
        client = raised(board, rate)
        board.reset_at = failure = board.now() + moment

        image = images[number % len(images)]
        request_ends = board.now() + image.frame_seconds(rate)
        assert client.is_right(image)
        if not client.reports:  # the answer came before the reset, which the next request meets
            board.silence(1)
            failure = board.now()
            request_ends = failure + images[0].frame_seconds(rate)
            assert client.is_right(images[0])
        assert board.board_baud == board.baudrate == link.DEFAULT_BAUD
        assert any("so the link is back at 115200" in report for report in client.reports)
        recovered_after = client.reported_at - max(failure, request_ends)
        assert recovered_after < recovery_seconds, f"reset {moment:.4f} s after the request"


def test_another_host_finds_a_board_at_a_raised_rate(
    board: FaultyBoard, images: list[Image], recovery_seconds: float
) -> None:
    for rate in RATES[1:]:
        power_on(board)
        raised(board, rate)
        board.baudrate = link.DEFAULT_BAUD
        begin = board.now()
        client = Client(board)
        client.board.greet()

        assert board.now() - begin < recovery_seconds
        assert client.is_right(images[0])


def test_an_answer_to_the_baud_request_that_is_lost_is_recovered_from(
    board: FaultyBoard, images: list[Image], recovery_seconds: float
) -> None:
    for place in range(30):
        power_on(board)
        client = Client(board)
        board.damage_output(place, STOP_BIT)
        begin = board.now()
        rate = client.board.change_baud(RAISED)

        assert board.now() - begin < recovery_seconds + 0.1
        assert board.board_baud == board.baudrate == rate
        assert client.is_right(images[0])


def test_the_fall_back_is_reported_at_the_default_rate(board: FaultyBoard) -> None:
    raised(board)
    board.baudrate = link.DEFAULT_BAUD
    board.send(b"\0\1\0")
    board.silence(2 * link.FOLLOW_MS)

    assert link.format_line("baud", baud=link.DEFAULT_BAUD).encode() in board.output()


# --- Random schedules ---


@dataclass
class Tally:
    schedules: int = 0
    answers: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    rates: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0

    def __str__(self) -> str:
        errors = ", ".join(f"{name} {count:,}" for name, count in self.errors.most_common())
        return (
            f"{self.schedules:,} schedules of damage, resets and rate changes: {self.answers:,} right, "
            f"0 wrong, no session lost; at most {self.slowest:.2f} s to the next answer ({errors})"
        )


def some_fault(board: FaultyBoard, image: Image, rng: random.Random) -> None:
    """Arms a fault, or damages the idle line."""
    bits = rng.choice((START_BIT, STOP_BIT, 1 << rng.randrange(10), rng.randrange(1, 1 << 10)))
    match rng.randrange(7):
        case 0 | 1:
            board.input_damage = (rng.randrange(rng.choice((16, image.frame_bytes))), bits)
        case 2 | 3:
            board.damage_output(rng.randrange(rng.choice((40, image.answer_bytes))), bits)
        case 4:
            board.reset_at = board.now() + rng.random() * rng.choice((0.005, 0.1, 1.0))
        case 5:
            board.lost_writes = rng.choice((1, 1, 2))
        case 6:
            for _ in range(rng.choice((1, 3, 20))):
                board.send_damaged(rng.randrange(256), bits)
            board.silence(rng.choice((1, 60, 600)))


def some_request(client: Client, images: list[Image], rng: random.Random, tally: Tally) -> None:
    """A request over the faulty wire: answered right, or an error that says why not."""
    image = rng.choice(images)
    try:
        match rng.randrange(4):
            case 0:
                tally.rates[client.board.change_baud(rng.choice(RATES))] += 1
            case 1:
                client.board.info()
            case _:
                assert client.is_right(image), "a wrong answer"
                tally.answers += 1
    except BoardError as error:
        tally.errors[type(error).__name__] += 1


def run_schedule(board: FaultyBoard, images: list[Image], rng: random.Random, tally: Tally) -> None:
    power_on(board)
    client = Client(board)
    client.board.attempts = rng.choice((1, 3))
    for _ in range(rng.randrange(1, 7)):
        for _ in range(rng.choice((0, 1, 1, 2))):
            some_fault(board, images[0], rng)
        if rng.random() < 0.1:
            board.baudrate = link.DEFAULT_BAUD  # another host takes over the port
            client = Client(board)
        some_request(client, images, rng, tally)

    board.heal()
    client.board.attempts = 3
    begin = board.now()
    image = rng.choice(images)
    assert client.is_right(image), "a wrong answer"
    tally.slowest = max(tally.slowest, board.now() - begin)
    assert board.board_baud == board.baudrate
    tally.schedules += 1


def test_random_schedules(
    name: str,
    board: FaultyBoard,
    images: list[Image],
    recovery_seconds: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tally = Tally()
    count = SCHEDULES if name == "cnn" else SCHEDULES // 4
    for number in range(FIRST_SCHEDULE, FIRST_SCHEDULE + count):
        try:
            run_schedule(board, images, random.Random(number), tally)
        except (AssertionError, BoardError) as error:
            raise AssertionError(f"schedule {number}: {error}") from error
    with capsys.disabled():
        print(f"\n{name}: {tally}")
    # With the request that fails and the one that is answered, at 115200 baud.
    assert tally.slowest < recovery_seconds + 2 * images[0].frame_seconds(link.DEFAULT_BAUD) + 0.1
