"""COBS, compared with the paper's examples and with the package `cobs`."""

import pytest
from cobs import cobs
from hypothesis import given
from hypothesis import strategies as st

from host.link import cobs_decode, cobs_encode
from host.link.errors import FrameStuffing

# From the paper's definition: (data, stuffed).
EXAMPLES = [
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
DATA = st.lists(st.binary(max_size=300) | st.just(b"\1" * 254), max_size=5).map(b"".join)


@pytest.mark.parametrize(("data", "stuffed"), EXAMPLES)
def test_examples(data: bytes, stuffed: bytes) -> None:
    assert cobs_encode(data) == stuffed
    assert cobs_decode(stuffed) == data


@given(DATA)
def test_encoding_equals_the_package(data: bytes) -> None:
    stuffed = cobs_encode(data)
    assert stuffed == cobs.encode(data)
    assert 0 not in stuffed
    assert len(stuffed) <= len(data) + max(1, -(-len(data) // 254))
    assert cobs_decode(stuffed) == data


@given(st.binary(max_size=600) | DATA.map(cobs_encode).map(lambda stuffed: stuffed[:-1]))
def test_decoding_accepts_and_refuses_the_same_as_the_package(stuffed: bytes) -> None:
    try:
        expected = cobs.decode(stuffed)
    except cobs.DecodeError:
        with pytest.raises(FrameStuffing):
            cobs_decode(stuffed)
    else:
        assert cobs_decode(stuffed) == expected


def test_an_empty_block_may_follow_a_last_block_of_full_length() -> None:
    assert cobs_decode(b"\xff" + b"\1" * 254 + b"\1") == b"\1" * 254


@pytest.mark.parametrize(
    ("stuffed", "count"), [(b"\0", 0), (b"\2\0", 0), (b"\2a\0", 1), (b"\2a\2b\4c", 5), (b"\3a\0", 1)]
)
def test_a_refusal_names_the_number_of_decoded_bytes(stuffed: bytes, count: int) -> None:
    with pytest.raises(FrameStuffing) as caught:
        cobs_decode(stuffed)
    assert caught.value.fields == {"bytes": str(count)}
