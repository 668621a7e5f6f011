"""The suites' keywords pass on a right board and fail on a wrong one: a fake board that runs linear.npz."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from BoardLibrary import BoardLibrary
from fake_board import SHAPE, FakeBoard, replace_line
from robot.api import SkipExecution
from wire_damage import pass_nothing

from common.paths import MODELS
from compiler import model_file, reference
from host import link
from host.errors import BoardError

MODEL = MODELS / "linear.npz"
HALF = link.max_body(math.prod(SHAPE)) // 2 - link.max_body(0)  # bytes of payload in half a body


class FakeHardware:
    """A fake board with power, for the keywords."""

    boots = True
    knows_reset_cause = True
    has_crystal = True
    can_lose_crystal = False
    has_a_speed = True
    can_be_broken = False

    def __init__(self, path: Path) -> None:
        model = model_file.load(path)
        channels, rows, columns = model.input.shape
        self.board = FakeBoard((channels, rows, columns), model.class_names)
        self.board.network = lambda pixels: tuple(
            reference.run(model, np.frombuffer(pixels, np.uint8).reshape(1, *SHAPE))[0].tolist()
        )
        self.board.logit_scale = model.logit_scale
        self.board.model = {"model": model.name, "checksum": f"{model.checksum:08x}"}

    def power_on(self, *, crystal: bool) -> FakeBoard:
        self.board.boot()
        return self.board

    def power_off(self) -> None:
        pass


@pytest.fixture
def hardware() -> FakeHardware:
    return FakeHardware(MODEL)


@pytest.fixture
def fake(hardware: FakeHardware) -> FakeBoard:
    return hardware.board


@pytest.fixture
def library(hardware: FakeHardware) -> BoardLibrary:
    library = BoardLibrary("port", str(MODEL))
    library.hardware = hardware
    library.power_on()
    return library


def answer_is_readable(library: BoardLibrary) -> None:
    library.answer_should_be_readable(library.classify_image(0))


KEYWORDS: dict[str, Callable[[BoardLibrary], Any]] = {
    "classify image": lambda library: library.classify_image(3),
    "classify image full of": lambda library: library.classify_image_full_of(255),
    "without a pause": lambda library: library.classify_images_without_a_pause(2),
    "during the computation": lambda library: library.classify_an_image_that_arrives_during_the_computation(),
    "rows exchanged": lambda library: library.damage_should_be_reported_and_forgotten(
        "has two rows exchanged", "crc"
    ),
    "version": lambda library: library.damage_should_be_reported_and_forgotten(
        "is of another version", "version", sent="1", version="1", seq="77"
    ),
    "every class": lambda library: library.classify_images_of_every_class(1),
    "readable": answer_is_readable,
    "boot line": lambda library: library.boot_line_should_say(reset="power", selftest="passed"),
    "model": lambda library: library.board_should_run_the_model(),
    "stack": lambda library: library.stack_should_stay_below(512),
    "clock": lambda library: library.board_should_run_from("crystal"),
    "damage": lambda library: library.damage_should_be_reported_and_forgotten(
        "is cut short", "length", length=str(math.prod(SHAPE)), bytes=str(HALF)
    ),
    "random damage": lambda library: library.send_randomly_damaged_frames(3),
    "flood": lambda library: library.flood_the_wire(3000),
    "requests": lambda library: library.send_requests_without_a_pause(20),
    "baud": lambda library: library.change_the_baud_rate(1_000_000),
    "refusal": lambda library: library.board_should_refuse_the_baud_rate(57_600),
}


@pytest.mark.parametrize("keyword", KEYWORDS.values(), ids=KEYWORDS)
def test_a_keyword_passes_on_a_right_board(
    library: BoardLibrary, keyword: Callable[[BoardLibrary], Any]
) -> None:
    keyword(library)


def one_logit_too_large(fake: FakeBoard) -> None:
    right = fake.network
    fake.network = lambda pixels: (right(pixels)[0] + 1, *right(pixels)[1:])


def prints_class_0(fake: FakeBoard) -> None:
    fake.garble = lambda line: ["Predicted class: 0" if line.startswith("Predicted") else line]


def another_class_name(fake: FakeBoard) -> None:
    fake.class_names = (*fake.class_names[:-1], "nine")


def another_shape(fake: FakeBoard) -> None:
    channels, rows, columns = fake.shape
    fake.shape = channels, rows * 2, columns // 2


def another_model(fake: FakeBoard) -> None:
    fake.model = {**fake.model, "checksum": "0badcafe"}


def another_error(fake: FakeBoard) -> None:
    fake.garble = replace_line("error", lambda _: [link.format_line("error", name="gremlins")])


def another_number(fake: FakeBoard) -> None:
    fake.garble = lambda line: [repair(line.replace(f"bytes={HALF}", f"bytes={HALF + 1}"))]


def repair(line: str) -> str:
    """The line with a right checksum."""
    if not link.is_message(line):
        return line
    name, *fields = line.rpartition(" #")[0][1:].split(" ")
    return link.format_line(name, **dict(field.split("=") for field in fields))


def answers_damage_twice(fake: FakeBoard) -> None:
    fake.garble = replace_line("error", lambda line: [line, line])


def answers_damage_with_a_boot(fake: FakeBoard) -> None:
    fake.garble = replace_line("error", lambda line: [line, link.format_line("boot", reset="watchdog")])


def answers_only_once(fake: FakeBoard) -> None:
    answered: list[str] = []

    def once(line: str) -> list[str]:
        answered.append(line)
        return [line] if len(answered) == 1 else []

    fake.garble = replace_line("info", once)


def refuses_rates(fake: FakeBoard) -> None:
    fake.rates = set()


def accepts_any_rate(fake: FakeBoard) -> None:
    fake.rates.add(57_600)


def cuts_the_wire(fake: FakeBoard) -> None:
    fake.to_board = pass_nothing


@pytest.mark.parametrize(
    ("keyword", "defect"),
    [
        ("classify image", one_logit_too_large),
        ("classify image full of", one_logit_too_large),
        ("without a pause", one_logit_too_large),
        ("every class", one_logit_too_large),
        ("readable", prints_class_0),
        ("during the computation", one_logit_too_large),
        ("model", another_model),
        ("model", another_class_name),
        ("model", another_shape),
        ("damage", another_error),
        ("damage", another_number),
        ("damage", answers_damage_twice),
        ("random damage", answers_damage_with_a_boot),
        ("flood", answers_damage_with_a_boot),
        ("requests", answers_only_once),
        ("baud", refuses_rates),
        ("refusal", accepts_any_rate),
        *((keyword, cuts_the_wire) for keyword in KEYWORDS if keyword != "boot line"),
    ],
)
def test_a_keyword_fails_on_a_wrong_board(
    library: BoardLibrary, fake: FakeBoard, keyword: str, defect: Callable[[FakeBoard], None]
) -> None:
    defect(fake)
    with pytest.raises((AssertionError, BoardError)):
        KEYWORDS[keyword](library)


def test_wrong_fields_fail(library: BoardLibrary) -> None:
    with pytest.raises(AssertionError, match=r"\{'reset': 'power'\} instead of"):
        library.boot_line_should_say(reset="pin", selftest="passed")
    with pytest.raises(AssertionError, match=r"\{'source': 'hse', 'clock': '72000000'\} instead of"):
        library.board_should_run_from("internal")
    with pytest.raises(AssertionError, match="used 512 bytes of stack, more than 511"):
        library.stack_should_stay_below(511)


def test_a_board_without_an_ability_skips_the_test(library: BoardLibrary) -> None:
    for keyword in (
        lambda: library.power_on(crystal="dead"),
        library.power_on_for_fault_injection,
        library.led_should_blink,
    ):
        with pytest.raises(SkipExecution):
            keyword()


def test_a_test_that_does_not_power_the_board_fails(library: BoardLibrary) -> None:
    library.power_off()
    with pytest.raises(AssertionError, match="must begin with Power On"):
        library.classify_image(0)
