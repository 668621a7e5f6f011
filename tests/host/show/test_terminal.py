"""The digit and the bars as text."""

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from rich.text import Text

from host.show.terminal import draw_bars, draw_digit, is_plain, make_console, softmax

DIGITS = "0123456789"
LOGITS = (-5, 3, 0, 1, 2, -1, -2, 9, -3, 4)


def console(encoding: str = "utf-8", colour: Any = None, **options: Any) -> Console:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    return Console(file=file, color_system=colour, force_terminal=colour is not None, **options)


def printed_in_colour(text: Text) -> str:
    """What a terminal with 24 bits of colour receives."""
    terminal = console(colour="truecolor")
    with terminal.capture() as capture:
        terminal.print(text)
    return capture.get()


def test_without_colour_a_digit_is_half_blocks() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[0, 0] = image[3, 1] = image[4:6, 2] = 96
    image[6, 3] = 95  # too dark to be ink
    lines = draw_digit(image[None], console()).plain.split("\n")
    assert [len(line) for line in lines] == [28] * 14
    assert [line.rstrip() for line in lines[:4]] == ["▀", " ▄", "  █", ""]


def test_in_colour_each_half_block_shows_two_grey_pixels() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[0, 0], image[1, 0] = 255, 7
    digit = draw_digit(image[None], console(colour="truecolor"))
    assert digit.plain.split("\n") == ["▀" * 28] * 14
    lines = printed_in_colour(digit).splitlines()
    assert lines[0].startswith("\x1b[38;2;255;255;255;48;2;7;7;7m▀\x1b[0m")
    assert lines[1].count("▀") == 28 and "255" not in lines[1]


def test_an_rgb_image_keeps_its_colours_and_an_odd_last_row() -> None:
    image = np.zeros((3, 3, 4), np.uint8)
    image[:, 2, 0] = 1, 2, 3
    digit = draw_digit(image, console(colour="truecolor"))
    assert digit.plain == "▀▀▀▀\n▀▀▀▀"
    assert printed_in_colour(digit).splitlines()[1].startswith("\x1b[38;2;1;2;3;48;2;0;0;0m▀")


def test_bars_have_the_names_of_the_classes() -> None:
    lines = draw_bars((1, 9), 1, ("cat", "sneaker"), plain=True, width=2).plain.split("\n")
    assert lines[0].startswith("cat        ") and lines[1].startswith("sneaker ##")


@pytest.mark.parametrize(("colour", "grey"), [("256", True), ("standard", False), (None, False)])
def test_greys_need_256_colours(colour: str | None, grey: bool) -> None:
    digit = draw_digit(np.zeros((1, 28, 28), np.uint8), console(colour=colour))
    assert ("▀" in digit.plain) == grey


def test_no_color_is_respected() -> None:
    image = np.full((28, 28), 255, np.uint8)
    assert set(draw_digit(image[None], console(colour="truecolor", no_color=True)).plain) == {"█", "\n"}


def test_an_ascii_terminal_gets_shades() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[0, 0], image[3, 1] = 255, 100
    lines = draw_digit(image[None], console("ascii")).plain.split("\n")
    assert "".join(lines).isascii() and [len(line) for line in lines] == [28] * 14
    assert lines[0][0] == "@" and lines[1][1] not in " @" and lines[2].isspace()


def test_ten_shades_stand_for_equal_ranges_of_brightness() -> None:
    image = np.zeros((2, 28), np.uint8)
    image[0, :20] = [
        edge for shade in range(10) for edge in (-(-shade * 256 // 10), (shade + 1) * 256 // 10 - 1)
    ]
    image[0, 19] = 255
    assert draw_digit(image[None], console("ascii")).plain[:20] == "  ..::--==++**##%%@@"


def test_softmax_is_over_the_real_logits() -> None:
    assert softmax((0, 0), 1.0) == (0.5, 0.5)
    assert softmax((1, 0), 2.0)[0] == pytest.approx(0.880797)
    assert sum(softmax(LOGITS, 0.3)) == pytest.approx(1)
    assert softmax((10**9, 0), 1.0) == (1.0, 0.0)


@pytest.mark.parametrize("scale", [None, 0.5])
@pytest.mark.parametrize("plain", [False, True])
def test_bars(scale: float | None, plain: bool) -> None:
    lines = draw_bars(LOGITS, 7, DIGITS, scale, plain=plain).plain.split("\n")
    assert [line[0] for line in lines] == list("0123456789")
    assert [number for number, line in enumerate(lines) if "<-- predicted" in line] == [7]
    assert ("%" in lines[7]) == (scale is not None)
    ink = [sum(character in "#█" for character in line) for line in lines]
    assert ink[7] == max(ink) > 30
    assert all(line.isascii() for line in lines) == plain
    assert max(map(len, lines)) < 80


def test_bars_are_40_characters_wide_and_values_are_aligned() -> None:
    for plain in (False, True):
        lines = draw_bars((0, 1), 1, DIGITS[:2], plain=plain).plain.split("\n")
        ink = "#" if plain else "█"
        assert lines == [f"0 {' ' * 40} 0", f"1 {ink * 40} 1  <-- predicted"]
    assert draw_bars((-10, 0, 10), 2, DIGITS[:3], plain=True, width=4).plain.split("\n") == [
        "0      -10",
        "1 ##     0",
        "2 ####  10  <-- predicted",
    ]


def test_the_length_of_a_bar_is_its_fraction() -> None:
    halves = draw_bars((0, 5, 10), 2, DIGITS[:3], width=5).plain.split("\n")
    assert [line.split(" ", 1)[1].rstrip(" 0123456789<-predict") for line in halves] == ["", "██▌", "█████"]
    assert [
        line.count("#")
        for line in draw_bars((0, 5, 10), 2, DIGITS[:3], plain=True, width=10).plain.split("\n")
    ] == [
        0,
        5,
        10,
    ]


def test_the_predicted_class_is_highlighted() -> None:
    out = printed_in_colour(draw_bars(LOGITS, 7, DIGITS)).splitlines()
    assert [number for number, line in enumerate(out) if "\x1b[" in line] == [7]


def test_equal_logits_have_bars() -> None:
    assert "predicted" in draw_bars((4,) * 10, 0, DIGITS).plain


@pytest.mark.parametrize(("encoding", "plain"), [("utf-8", False), ("ascii", True), ("latin-1", True)])
def test_an_encoding_without_blocks_is_plain(encoding: str, plain: bool) -> None:
    assert is_plain(console(encoding)) == plain


def test_a_pipe_gets_the_text_unchanged(capsys: pytest.CaptureFixture[str]) -> None:
    sentence = "[bold] :smile: 12 " + "x" * 200
    make_console().print(sentence)
    assert capsys.readouterr().out == sentence + "\n"


def test_a_terminal_gets_the_text_without_colours(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    make_console().print("12 [bold] 'text'")
    assert capsys.readouterr().out == "12 [bold] 'text'\n"
