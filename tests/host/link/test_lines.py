"""Lines, without a board."""

import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host import link
from host.errors import CorruptAnswer


def test_a_parsed_line_has_the_formatted_fields() -> None:
    line = link.format_line("result", seq=21, image="5d1c0e7a", logits="-916,3", reset="window-watchdog")
    message = link.parse_line(line)
    assert message.name == "result"
    assert message.number("seq") == 21
    assert message.hexadecimal("image") == 0x5D1C0E7A
    assert message.numbers("logits") == (-916, 3)
    assert message.text("reset") == "window-watchdog"


def test_the_checksum_covers_the_line_before_it() -> None:
    assert link.parse_line(f"@boot reset=power #{zlib.crc32(b'@boot reset=power'):08X}").name == "boot"


@pytest.mark.parametrize(
    "content",
    [
        "@a b=1 #00000000",
        "@a b=1 b=2",
        "@a b",
        "@a  b=1",
        "@ b=1",
        "a b=1",
        "@a b=",
        "@a b=\ufffd",
        "",
        "@a b=1=2",
    ],
)
def test_a_malformed_line_is_refused(content: str) -> None:
    with pytest.raises(CorruptAnswer, match="malformed"):
        link.parse_line(f"{content} #{zlib.crc32(content.encode()):08x}")


@given(st.data())
def test_a_damaged_line_is_refused(data: st.DataObject) -> None:
    line = link.format_line("result", seq=21, image="5d1c0e7a", label=7, logits="-916,5", cycles=31845)
    position = data.draw(st.integers(0, len(line) - 1))
    other = data.draw(st.characters(max_codepoint=126, min_codepoint=32))
    damaged = data.draw(
        st.sampled_from(
            [
                line[:position] + line[position + 1 :],
                line[:position] + other + line[position + 1 :],
                line[:position] + other + line[position:],
                line[:position],
            ]
        )
    )
    if damaged.lower() != line:
        with pytest.raises(CorruptAnswer):
            link.parse_line(damaged)


@pytest.mark.parametrize("value", ["", "1,", "x", "0x10", "1_0", "99999999999", " 1"])
def test_a_field_that_is_not_a_number_is_refused(value: str) -> None:
    message = link.Message("result", {"logits": value})
    for read in (message.number, message.numbers, message.hexadecimal):
        with pytest.raises(CorruptAnswer, match=r"@result line has logits=.*, which is not a number"):
            read("logits")


def test_hexadecimal_digits_may_be_upper_case() -> None:
    assert link.Message("result", {"image": "5D1C0EFA"}).hexadecimal("image") == 0x5D1C0EFA


CLASS_NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=16)


@given(st.lists(CLASS_NAMES, min_size=1, max_size=64))
def test_any_class_names_survive_a_line(names: list[str]) -> None:
    line = link.format_line("info", names=link.escape_names(names), reset="pin")
    message = link.parse_line(line)
    assert message.names("names") == tuple(names)
    assert message.text("reset") == "pin"


def test_ordinary_names_stay_readable_and_others_are_escaped() -> None:
    assert link.escape_names(["t-shirt", "C++", "*", "#1"]) == "t-shirt,C++,*,#1"
    assert link.escape_names(["a,b", "x=1", "100%"]) == "a%2cb,x%3d1,100%25"


@pytest.mark.parametrize("value", [",", "a,", "a,,b", "a%", "a%2", "a%2g", "a%0a", "a%20b", "%7f"])
def test_a_field_that_is_no_list_of_names_is_refused(value: str) -> None:
    with pytest.raises(CorruptAnswer, match=f"@info line has names='{value}', no list of names"):
        link.Message("info", {"names": value}).names("names")


def test_the_longest_names_fit_a_line() -> None:
    others = "x" * 400
    names = [f"{number:02d}" + "=" * 14 for number in range(64)]
    assert len(link.format_line("info", names=link.escape_names(names), others=others)) <= link.MAX_LINE


def test_a_missing_field_is_refused() -> None:
    with pytest.raises(CorruptAnswer, match="no field 'label'"):
        link.Message("result", {}).number("label")


@given(
    st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\n", b"")), max_size=8),
    st.lists(st.integers(1, 60), min_size=1, max_size=5),
)
def test_lines_do_not_depend_on_how_the_bytes_are_grouped(lines: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(line + b"\r\n" for line in lines)
    buffer = link.LineBuffer()
    got: list[str] = []
    for size in itertools.cycle(sizes):
        if not stream:
            break
        buffer.feed(stream[:size])
        stream = stream[size:]
        while (line := buffer.pop()) is not None:
            got.append(line)
    assert got == [line.decode("ascii", errors="replace") for line in lines]


@pytest.mark.parametrize("piece", [1000, 100_000])
def test_an_endless_line_is_reported_once_and_the_next_is_read(piece: int) -> None:
    buffer = link.LineBuffer()
    stream = b"x" * 100_000 + b"\r\nnext\r\n"
    got: list[str] = []
    for start in range(0, len(stream), piece):
        buffer.feed(stream[start : start + piece])
        try:
            while (line := buffer.pop()) is not None:
                got.append(line)
        except CorruptAnswer:
            got.append("too long")
    buffer.feed(b"")
    while (line := buffer.pop()) is not None:
        got.append(line)
    assert got == ["too long", "next"]


def test_a_line_of_the_limit_is_read_and_a_longer_one_is_not() -> None:
    buffer = link.LineBuffer()
    buffer.feed(b"x" * 4096 + b"\n" + b"x" * 4097 + b"\n")
    assert buffer.pop() == "x" * 4096
    with pytest.raises(CorruptAnswer, match="more than 4096 bytes: 'xxx"):
        buffer.pop()
    assert buffer.pop() is None


def test_an_endless_line_is_shown_in_ascii() -> None:
    buffer = link.LineBuffer()
    buffer.feed("é".encode() * 3000)
    with pytest.raises(CorruptAnswer, match=r"4096 bytes: '\\ufffd\\ufffd"):
        buffer.pop()


def test_text_in_a_sentence_is_quoted_escaped_and_short() -> None:
    assert link.shorten("a\n\ufffd") == r"'a\n\ufffd'"
    assert link.shorten("x" * 60) == f"'{'x' * 60}'"
    assert link.shorten("x" * 61) == f"'{'x' * 57}...'"
