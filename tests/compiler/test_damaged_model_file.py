"""No damage to a model file goes unnoticed, and none brings the reader down."""

import os
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import UserError
from common.paths import MODELS
from compiler import model_file

FILES = int(os.environ.get("DAMAGED_FILES", "1000"))
COMMITTED = {path.stem: path.read_bytes() for path in sorted(MODELS.glob("*.npz"))}


def damage(data: bytes, kind: str, at: int, size: int, seed: int) -> bytes:
    """The file with one part of it changed; `at` and `size` are taken modulo what there is."""
    at %= len(data)
    part = data[at : at + size]
    before, after = data[:at], data[at + size :]
    noise = random.Random(seed).randbytes(len(part))
    return {
        "altered": before + noise + after,
        "one bit": before + bytes([data[at] ^ 1 << seed % 8]) + data[at + 1 :],
        "lost": before + after,
        "added": before + noise + part + after,
        "repeated": before + part + part + after,
        "exchanged": before + after[:size] + part + after[size:],
        "cut off": before,
        "cut off in front": part + after,
        "followed by more": data + noise,
        "of zeros": before + bytes(len(part)) + after,
    }[kind]


def content_of(model: model_file.Model) -> tuple:
    return model.name, model.checksum, model.logit_scale, model.metadata


KINDS = (
    "altered", "one bit", "lost", "added", "repeated",
    "exchanged", "cut off", "cut off in front", "followed by more", "of zeros",
)  # fmt: skip


@pytest.mark.parametrize("name", COMMITTED)
def test_a_damaged_file_is_refused_or_says_the_same(name):
    data = COMMITTED[name]
    content = content_of(model_file.decode(data))

    @settings(max_examples=FILES // len(COMMITTED), deadline=None)
    @given(st.sampled_from(KINDS), st.integers(0, len(data)), st.integers(1, 600), st.integers(0, 2**16))
    def check(kind: str, at: int, size: int, seed: int) -> None:
        try:
            model = model_file.decode(damage(data, kind, at, size, seed))
        except UserError as error:
            assert str(error)
        else:
            assert content_of(model) == content

    check()


@given(st.binary(max_size=400))
def test_no_bytes_at_all_bring_the_reader_down(data):
    with pytest.raises(UserError):
        model_file.decode(data)
