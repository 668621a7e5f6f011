"""Frames and lines, without a board."""

import itertools
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host import errors, link

# From the paper's definition: (data, stuffed).
COBS = [
    (b"", b"\x01"),
    (b"\0", b"\x01\x01"),
    (b"\0\0", b"\x01\x01\x01"),
    (b"\x11\x22\0\x33", b"\x03\x11\x22\x02\x33"),
    (b"\x11\0\0\0", b"\x02\x11\x01\x01\x01"),
    (bytes(range(1, 255)), b"\xff" + bytes(range(1, 255))),
    (b"\0" + bytes(range(1, 255)), b"\x01\xff" + bytes(range(1, 255))),
    (bytes(range(1, 256)), b"\xff" + bytes(range(1, 255)) + b"\x02\xff"),
    (bytes(range(2, 256)) + b"\0", b"\xff" + bytes(range(2, 256)) + b"\x01\x01"),
]


@pytest.mark.parametrize(("data", "stuffed"), COBS)
def test_cobs_of_known_data(data, stuffed):
    assert link.cobs_encode(data) == stuffed
    assert link.cobs_decode(stuffed) == data


@given(st.lists(st.binary(max_size=300) | st.just(b"\1" * 254), max_size=5).map(b"".join))
def test_cobs_round_trip(data):
    stuffed = link.cobs_encode(data)
    assert 0 not in stuffed
    assert len(stuffed) <= len(data) + max(1, -(-len(data) // 254))
    assert link.cobs_decode(stuffed) == data


def test_a_block_of_full_length_may_also_end_in_an_empty_one():
    assert link.cobs_decode(b"\xff" + b"\1" * 254 + b"\1") == b"\1" * 254


def test_info_frame_byte_by_byte():
    body = bytes([1, 1, 0x34, 0x12, 0, 0])
    stuffed = b"\x05\x01\x01\x34\x12\x01\x05" + struct.pack("<I", zlib.crc32(body))
    assert link.encode_frame(link.Command.INFO, 0x1234) == b"\0" + stuffed + b"\0"


def test_longest_frame():
    frame = link.encode_frame(link.Command.CLASSIFY, 0xFFFF, b"\xff" * 784)
    assert len(frame) <= 800


@given(st.integers(0, 255), st.integers(0, 0xFFFF), st.binary(max_size=784))
def test_frame_round_trip(command, sequence, payload):
    wire = link.encode_frame(command, sequence, payload)
    assert wire[0] == wire[-1] == 0
    frame = link.decode_frame(wire[1:-1])
    assert frame == link.Frame(1, command, sequence, payload, frame.checksum)
    assert frame.checksum == link.body_checksum(link.make_body(command, sequence, payload))


@pytest.mark.parametrize(
    ("stuffed", "error"),
    [
        (link.cobs_encode(bytes(795)), errors.FrameOverlong),
        (link.cobs_encode(bytes(9)), errors.FrameShort),
        (b"\x09\x01", errors.FrameShort),
        (link.cobs_encode(link.make_body(1, 7))[:-5] + b"\x09abcd", errors.FrameStuffing),
        (link.cobs_encode(bytes([1, 2, 0, 0, 9, 0]) + bytes(4)), errors.LengthMismatch),
        (link.cobs_encode(bytes([1, 1, 0, 0, 0, 0]) + bytes(4)), errors.ChecksumMismatch),
    ],
)
def test_broken_frames(stuffed, error):
    with pytest.raises(error):
        link.decode_frame(stuffed)


@given(st.binary(max_size=900))
def test_any_bytes_are_a_frame_or_a_named_error(stuffed):
    try:
        link.decode_frame(stuffed.replace(b"\0", b"\1"))
    except errors.LinkError as error:
        assert error.name in link.ERRORS


def test_line_round_trip():
    line = link.format_line("result", seq=21, image="5d1c0e7a", logits="-916,3", reset="window-watchdog")
    message = link.parse_line(line)
    assert message.name == "result"
    assert message.number("seq") == 21
    assert message.hexadecimal("image") == 0x5D1C0E7A
    assert message.numbers("logits") == (-916, 3)
    assert message.text("reset") == "window-watchdog"


def test_line_checksum_is_over_all_before_its_mark():
    assert link.parse_line(f"@boot reset=power #{zlib.crc32(b'@boot reset=power'):08X}").name == "boot"


@pytest.mark.parametrize(
    "content", ["@a b=1 b=2", "@a b", "@a  b=1", "@ b=1", "a b=1", "@a b=", "@a b=\ufffd", "", "@a b=1=2"]
)
def test_lines_in_another_form_are_refused(content):
    with pytest.raises(errors.CorruptAnswer):
        link.parse_line(f"{content} #{zlib.crc32(content.encode()):08x}")


@given(st.data())
def test_no_damaged_line_is_accepted(data):
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
        with pytest.raises(errors.CorruptAnswer):
            link.parse_line(damaged)


@pytest.mark.parametrize("value", ["", "1,", "x", "0x10", "1_0", "99999999999", " 1"])
def test_fields_that_are_no_numbers_are_refused(value):
    with pytest.raises(errors.CorruptAnswer):
        link.Message("result", {"logits": value}).numbers("logits")


def test_missing_field_is_refused():
    with pytest.raises(errors.CorruptAnswer, match="no field 'label'"):
        link.Message("result", {}).number("label")


@pytest.mark.parametrize(("name", "error"), link.ERRORS.items())
def test_every_error_name_is_its_own_exception_with_one_sentence(name, error):
    raised = link.error_from(link.Message("error", {"name": name}))
    assert type(raised) is error
    sentence = str(raised)
    assert sentence.endswith(".") and sentence.count(". ") == 0 and "{" not in sentence


def test_unknown_error_name_is_told():
    raised = link.error_from(link.Message("error", {"name": "gremlins"}))
    assert "'gremlins'" in str(raised) and not raised.retryable


def test_numbers_of_an_error_are_in_its_sentence():
    raised = link.error_from(link.Message("error", {"name": "length", "length": "784", "bytes": "783"}))
    assert "783" in str(raised) and "784" in str(raised)


@given(
    st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\n", b"")), max_size=8),
    st.lists(st.integers(1, 60), min_size=1, max_size=5),
)
def test_lines_are_the_same_however_the_bytes_come(lines, sizes):
    stream = b"".join(line + b"\r\n" for line in lines)
    buffer = link.LineBuffer()
    got = []
    for size in itertools.cycle(sizes):
        if not stream:
            break
        buffer.feed(stream[:size])
        stream = stream[size:]
        while (line := buffer.pop()) is not None:
            got.append(line)
    assert got == [line.decode("ascii", errors="replace") for line in lines]


@pytest.mark.parametrize("piece", [1000, 100_000])
def test_an_endless_line_is_reported_once_and_the_next_is_read(piece):
    buffer = link.LineBuffer()
    stream = b"x" * 100_000 + b"\r\nnext\r\n"
    got: list[str] = []
    for start in range(0, len(stream), piece):
        buffer.feed(stream[start : start + piece])
        try:
            while (line := buffer.pop()) is not None:
                got.append(line)
        except errors.CorruptAnswer:
            got.append("too long")
    buffer.feed(b"")
    while (line := buffer.pop()) is not None:
        got.append(line)
    assert got == ["too long", "next"]
