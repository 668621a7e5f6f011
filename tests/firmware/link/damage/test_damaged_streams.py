"""No damage to the wire makes the firmware answer wrongly or fall silent.

The tests send streams of one to three images, damaged in one to six ways, to the firmware's application in
simulated time. Each answer must be the reference's for exactly the image that was sent, or an error, and the
board must answer the next image. The tests run with images of every shape. The environment variable
DAMAGED_STREAMS sets the number of streams.
"""

import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest
import shapes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulated_board import SimulatedBoard

from compiler import reference
from host import link
from host.board import Board
from host.errors import BoardError, CorruptAnswer

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler for this computer")

STREAMS = int(os.environ.get("DAMAGED_STREAMS", "1000"))
ANSWER_MS = 1000  # an idle board that takes longer for an image hangs

# Hypothesis tries the corners and shrinks a failure; most streams are random, which is ten times as fast.
few = settings(
    max_examples=max(50, STREAMS // 100), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


# --- Images and their logits ---


@dataclass
class Images:
    """Images as bytes, and the logits of each."""

    pixels: list[bytes]
    logits: list[tuple[int, ...]]
    _frames: dict[tuple[int, int], tuple[bytes, int]] = field(default_factory=dict)

    def frame(self, number: int, sequence: int) -> tuple[bytes, int]:
        """The frame with that image, and its checksum. Cached, because stuffing is slow."""
        if (number, sequence) not in self._frames:
            body = link.make_body(link.Command.CLASSIFY, sequence, self.pixels[number])
            self._frames[number, sequence] = link.wrap_body(body), link.body_checksum(body)
        return self._frames[number, sequence]


@pytest.fixture(scope="module", params=["cnn", *shapes.NAMES])
def name(request: pytest.FixtureRequest) -> str:
    """The board's model."""
    return str(request.param)


@pytest.fixture(scope="module")
def board(name: str) -> SimulatedBoard:
    return SimulatedBoard(shapes.simulated_library(name))


@pytest.fixture(scope="module")
def images(name: str) -> Images:
    pictures = shapes.images(name, IMAGES)
    logits = reference.run(shapes.model(name), pictures)
    return Images([picture.tobytes() for picture in pictures], [tuple(row.tolist()) for row in logits])


IMAGES = 32


# --- Damage ---

# A wire is a text: characters up to U+00FF are bytes; those above are other events, with the amount in the
# low eight bits.
SILENCE, LOST, FRAMING, NOISE, BUSY, RESET = range(0x100, 0x700, 0x100)


def wire_of(data: bytes) -> str:
    return data.decode("latin-1")


@dataclass(frozen=True)
class Damage:
    """One kind of damage: its place, the number of bytes, and a value that depends on `kind`."""

    kind: str
    at: int
    size: int
    value: int

    def done_to(self, wire: str) -> str:
        at = self.at % (len(wire) + 1)
        before, part, after = wire[:at], wire[at : at + self.size], wire[at + self.size :]
        value = chr(self.value)
        match self.kind:
            case "lose":
                return before + after
            case "alter":
                return before + "".join(chr(ord(item) ^ self.value) for item in part) + after
            case "add":
                return before + value + part + after
            case "repeat":
                return before + part + part + after
            case "repeat all":
                return wire + wire
            case "swap":
                return before + after[: self.value] + part + after[self.value :]
            case "reverse":
                return before + part[::-1] + after
            case "truncate":
                return before
            case "garbage":  # as from a line at another baud rate, with delimiters
                return before + wire_of(random.Random(self.value).randbytes(self.size * 4)) + part + after
            case "delimiters":
                return before + "\0" * self.size + after
            case "pause":
                return before + chr(SILENCE + self.value) + part + after
            case "overrun":
                return before + chr(LOST + self.value) + after
            case "framing":
                return before + chr(FRAMING + self.value) + after
            case "noise":
                return before + chr(NOISE + self.value) + after
            case "busy":
                return before + chr(BUSY + self.value) + part + after
            case "reset":
                return before + chr(RESET) + part + after
        raise ValueError(self.kind)


OF_BYTES = (
    "lose", "alter", "add", "repeat", "repeat all",
    "swap", "reverse", "truncate", "garbage", "delimiters",
)  # fmt: skip
OF_THE_BOARD = ("pause", "overrun", "framing", "noise", "busy", "reset")
PLACES = 12_500  # three of the longest frames; in shorter streams they wrap


@dataclass(frozen=True)
class Stream:
    """Images that are sent together, their damage, and the image after them."""

    images: list[int]
    damages: list[Damage]
    next_image: int
    is_silent: bool
    """Whether the wire is silent before the next image; if not, only until the board has answered."""


def any_stream(rng: random.Random) -> Stream:
    count = rng.choice((1, 1, 1, 2, 3, 6))
    damages = [
        Damage(
            rng.choice(OF_BYTES + OF_THE_BOARD),
            rng.randrange(PLACES),
            rng.choice((1, 1, 2, rng.randint(1, 300))),
            rng.randint(1, 255),
        )
        for _ in range(count)
    ]
    numbers = [rng.randrange(IMAGES) for _ in range(rng.randint(1, 3))]
    return Stream(numbers, damages, rng.randrange(IMAGES), rng.random() < 0.5)


def damages(kinds: tuple[str, ...]) -> st.SearchStrategy[list[Damage]]:
    sizes, values = st.integers(1, 300), st.integers(1, 255)
    damage = st.builds(Damage, st.sampled_from(kinds), st.integers(0, PLACES), sizes, values)
    return st.lists(damage, min_size=1, max_size=6)


def streams() -> st.SearchStrategy[Stream]:
    number = st.integers(0, IMAGES - 1)
    several = st.lists(number, min_size=1, max_size=3)
    return st.builds(Stream, several, damages(OF_BYTES + OF_THE_BOARD), number, st.booleans())


def play(wire: str, board: SimulatedBoard) -> None:
    """Sends the bytes and lets the events happen."""
    events: dict[int, Callable[[int], None]] = {
        SILENCE: board.silence,
        LOST: lambda amount: board.damage(lost=amount),
        FRAMING: lambda amount: board.damage(framing=amount),
        NOISE: lambda amount: board.damage(noise=amount),
        BUSY: lambda amount: board.busy(amount * 8),
        RESET: lambda _: board.reset(),
    }
    for part in re.findall(r"[\0-\xff]+|[^\0-\xff]", wire):
        if part[0] <= "\xff":
            board.send(part.encode("latin-1"))
        else:
            events[ord(part) & ~0xFF](ord(part) & 0xFF)


# --- Answers ---


@dataclass
class Tally:
    """Counts of all streams."""

    streams: int = 0
    bytes: int = 0
    right: int = 0
    wrong: int = 0
    hangs: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        errors = ", ".join(f"{name} {count:,}" for name, count in self.errors.most_common())
        return (
            f"{self.streams:,} damaged streams of {self.bytes:,} bytes: {self.right:,} right answers, "
            f"{self.wrong:,} wrong, {self.hangs:,} hangs; {self.errors.total():,} errors ({errors})"
        )


class Wrong(AssertionError):
    """The board gave a wrong answer to an image, or answered an image that was not sent."""


def lines_of(output: bytes, was_reset: bool) -> list[str]:
    """The board's lines. A reset may cut some of them."""
    if not was_reset:
        assert output.isascii() and (not output or output.endswith(b"\r\n")), output[-200:]
        return output.decode().split("\r\n")
    return [line for line in output.decode("latin-1").split("\r\n") if is_whole(line)]


def is_whole(line: str) -> bool:
    try:
        link.parse_line(line)
    except CorruptAnswer:
        return False
    return True


def read_answers(
    lines: list[str], sent: Mapping[tuple[int, int], int], images: Images, tally: Tally
) -> list[int]:
    """Checks the board's lines. Returns the images that it answered, in order.

    `sent`: the image of each frame, by its sequence number and checksum. Raises `Wrong`.
    """
    answered = []
    for line in filter(link.is_message, lines):
        message = link.parse_line(line)
        assert message.name in ("boot", "error", "result"), line
        if message.name == "error":
            assert message.text("name") in link.ERRORS, line
            tally.errors[message.text("name")] += 1
        elif message.name == "result":
            image = sent.get((message.number("seq"), message.hexadecimal("image")))
            if image is None or not is_right(message, images.logits[image]):
                raise Wrong(line)
            answered.append(image)
    return answered


def is_right(message: link.Message, logits: tuple[int, ...]) -> bool:
    return message.numbers("logits") == logits and message.number("label") == logits.index(max(logits))


def try_stream(stream: Stream, board: SimulatedBoard, images: Images, tally: Tally) -> None:
    """Sends the stream and the image after it, and counts the answers. Raises if one is wrong or missing."""
    numbers = [*stream.images, stream.next_image]
    frames = [images.frame(number, sequence) for sequence, number in enumerate(numbers)]
    sent = {(sequence, frames[sequence][1]): number for sequence, number in enumerate(numbers)}
    wire = wire_of(b"".join(frame for frame, _ in frames[:-1]))
    for damage in stream.damages:
        wire = damage.done_to(wire)

    was_reset = any(ord(item) & ~0xFF == RESET for item in wire)
    board.reset()
    board.settle()
    board.output()
    play(wire, board)
    board.settle()
    if stream.is_silent:
        board.silence(2 * link.TIMEOUT_MS)
    tally.right += len(read_answers(lines_of(board.output(), was_reset), sent, images, tally))

    board.send(frames[-1][0])
    board.silence(ANSWER_MS)
    answered = read_answers(lines_of(board.output(), was_reset), sent, images, tally)
    assert answered[-1:] == [stream.next_image], "the next image was not answered"
    tally.right += len(answered)
    tally.streams += 1
    tally.bytes += len(wire) + len(frames[-1][0])


def test_every_answer_to_a_damaged_stream_is_right_or_an_error(
    name: str, board: SimulatedBoard, images: Images, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = Tally()
    failed: list[tuple[AssertionError, Stream]] = []
    for number in range(STREAMS if name == "cnn" else STREAMS // 4):
        stream = any_stream(random.Random(number))
        try:
            try_stream(stream, board, images, tally)
        except Wrong as error:
            tally.wrong += 1
            failed.append((error, stream))
        except AssertionError as error:
            tally.hangs += 1
            failed.append((error, stream))
    with capsys.disabled():
        print(f"\n{name}: {tally}")
    assert not failed, failed[0]


def test_corner_cases(board: SimulatedBoard, images: Images) -> None:
    @few
    @given(streams())
    def check(stream: Stream) -> None:
        try_stream(stream, board, images, Tally())

    check()


class DamagedStream:
    """A board's stream that damages what passes in both directions, until its lists of damage are empty."""

    def __init__(self, board: SimulatedBoard) -> None:
        self.board = board
        self.timeout: float | None = 0.0
        self.to_board: list[Damage] = []
        self.to_host: list[Damage] = []
        self.now = board.now
        self.close = board.close

    def write(self, data: bytes) -> int:
        wire = wire_of(data)
        if self.to_board:
            wire = self.to_board.pop().done_to(wire)
        play(wire, self.board)
        return len(data)

    def read(self, size: int = 1) -> bytes:
        self.board.timeout = self.timeout
        data = self.board.read(size)
        if data and self.to_host:
            data = self.to_host.pop().done_to(wire_of(data)).encode("latin-1")
        return data


def test_a_prediction_over_damaged_wires_is_right_or_an_exception(
    board: SimulatedBoard, images: Images, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions = refusals = 0

    @few
    @given(damages(OF_BYTES + OF_THE_BOARD), damages(OF_BYTES), st.integers(0, IMAGES - 1))
    def check(to_board: list[Damage], to_host: list[Damage], number: int) -> None:
        nonlocal predictions, refusals
        board.reset()
        stream = DamagedStream(board)
        client = Board(stream, timeout=ANSWER_MS / 1000)
        client.greet()
        stream.to_board, stream.to_host = to_board, to_host
        try:
            assert client.classify(images.pixels[number]).logits == images.logits[number]
            predictions += 1
        except BoardError:
            refusals += 1

        stream.to_board, stream.to_host = [], []
        board.silence(2 * link.TIMEOUT_MS)
        client.attempts = 1
        assert client.classify(images.pixels[-1]).logits == images.logits[-1]

    check()
    with capsys.disabled():
        print(f"\n{predictions:,} right predictions and {refusals:,} exceptions over damaged wires")
