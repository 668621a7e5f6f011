"""Frames, without a board."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host import link
from host.link import errors

IMAGE_BYTES = 300  # of the board that these frames are for


def test_an_info_frame_byte_by_byte() -> None:
    body = bytes([2, 1, 0x34, 0x12, 0, 0])
    stuffed = b"\x05\x02\x01\x34\x12\x01\x05" + struct.pack("<I", zlib.crc32(body))
    assert link.encode_frame(link.Command.INFO, 0x1234) == b"\0" + stuffed + b"\0"


def test_a_frame_carries_its_payload() -> None:
    frame = link.decode_frame(link.encode_frame(link.Command.BAUD, 7, b"\x40\x42\x0f\x00")[1:-1], IMAGE_BYTES)
    assert (frame.command, frame.sequence, frame.payload) == (3, 7, b"\x40\x42\x0f\x00")


@given(st.integers(0, 255), st.integers(0, 0xFFFF), st.binary(max_size=IMAGE_BYTES), st.integers(0, 255))
def test_a_decoded_frame_equals_the_encoded_one(
    command: int, sequence: int, payload: bytes, version: int
) -> None:
    body = link.make_body(command, sequence, payload, version)
    wire = link.wrap_body(body)
    assert wire[0] == wire[-1] == 0
    frame = link.decode_frame(wire[1:-1], IMAGE_BYTES)
    assert frame == link.Frame(version, command, sequence, payload, link.body_checksum(body))
    assert frame.checksum == zlib.crc32(body[:-4])


BROKEN_FRAMES = [
    (link.cobs_encode(bytes(IMAGE_BYTES + 11)), errors.FrameOverlong, {"limit": str(IMAGE_BYTES + 10)}),
    (link.cobs_encode(bytes(9)), errors.FrameShort, {"bytes": "9"}),
    (b"\x09\x01", errors.FrameShort, {"bytes": "1"}),
    (link.cobs_encode(link.make_body(1, 7))[:-5] + b"\x09abcd", errors.FrameStuffing, {"bytes": "10"}),
    (
        link.cobs_encode(bytes([2, 2, 0, 0, 9, 0]) + bytes(4)),
        errors.LengthMismatch,
        {"length": "9", "bytes": "0"},
    ),
    (
        link.cobs_encode(bytes([1, 1, 0, 0, 0, 0]) + bytes(4)),
        errors.ChecksumMismatch,
        {"received": "00000000", "computed": f"{zlib.crc32(bytes([1, 1, 0, 0, 0, 0])):08x}"},
    ),
]


@pytest.mark.parametrize(("stuffed", "error", "fields"), BROKEN_FRAMES)
def test_a_broken_frame_raises_the_boards_error(
    stuffed: bytes, error: type[errors.LinkError], fields: dict[str, str]
) -> None:
    with pytest.raises(error) as caught:
        link.decode_frame(stuffed, IMAGE_BYTES)
    assert caught.value.fields == fields


def test_the_longest_and_the_shortest_body_are_accepted() -> None:
    for payload in (bytes(IMAGE_BYTES), b""):
        assert (
            link.decode_frame(link.cobs_encode(link.make_body(2, 1, payload)), IMAGE_BYTES).payload == payload
        )


@given(st.binary(max_size=900))
def test_any_bytes_are_a_frame_or_a_named_error(stuffed: bytes) -> None:
    try:
        link.decode_frame(stuffed, IMAGE_BYTES)
    except errors.LinkError as error:
        assert error.name in link.ERRORS


@pytest.mark.parametrize(("name", "error"), link.ERRORS.items())
def test_each_error_name_is_one_exception_with_one_sentence(name: str, error: type[errors.LinkError]) -> None:
    raised = link.error_from(link.Message("error", {"name": name}))
    assert type(raised) is error
    sentence = str(raised)
    assert sentence.endswith(".") and sentence.count(". ") == 0 and "{" not in sentence


def test_damage_on_the_wire_is_retryable_and_a_refusal_is_not() -> None:
    refusals = {"version", "command", "size", "baud", "selftest"}
    assert {name for name, error in link.ERRORS.items() if not error.retryable} == refusals


def test_an_unknown_error_name_is_reported() -> None:
    raised = link.error_from(link.Message("error", {"name": "gremlins"}))
    assert "'gremlins'" in str(raised) and not raised.retryable
    assert "'?'" in str(link.error_from(link.Message("error", {})))


def test_the_numbers_of_an_error_are_in_its_sentence() -> None:
    raised = link.error_from(link.Message("error", {"name": "length", "length": "300", "bytes": "299"}))
    assert "299 bytes" in str(raised) and "announced 300" in str(raised)
