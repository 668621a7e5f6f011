"""The sending side of the link prints numbers and messages as Python does, checksums included."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.paths import FIRMWARE
from host import link

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler for this computer")

LINK = FIRMWARE / "link"
# Collects what text.c sends.
COLLECTOR = """
#include "text.h"
char output[4096];
int output_bytes;
void text_output(uint8_t byte) { output[output_bytes++] = (char)byte; }
"""

unsigned = st.integers(0, 2**32 - 1)
signed = st.integers(-(2**31), 2**31 - 1)
CLASS_NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=16)


class Text:
    """text.c, compiled for this computer."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        self._bytes = ctypes.c_int.in_dll(self._library, "output_bytes")
        self._output = (ctypes.c_char * 4096).in_dll(self._library, "output")

    def call(self, function: str, *arguments: object) -> None:
        getattr(self._library, function)(*arguments)

    def output(self) -> str:
        """What was sent since the last call."""
        sent, self._bytes.value = self._output.raw[: self._bytes.value], 0
        return sent.decode("ascii")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Text:
    folder = tmp_path_factory.mktemp("text")
    (folder / "collector.c").write_text(COLLECTOR)
    sources = [folder / "collector.c", LINK / "text.c", LINK / "crc32.c"]
    library = folder / "libtext.so"
    subprocess.run(["cc", "-shared", "-fPIC", f"-I{LINK}", *sources, "-o", library], check=True)
    return Text(library)


@pytest.mark.parametrize("number", [0, 9, 10, 99, 100, 10**9 - 1, 10**9, 2**31, 2**32 - 1])
def test_unsigned_numbers(number: int, text: Text) -> None:
    text.call("text_unsigned", ctypes.c_uint32(number))
    assert text.output() == str(number)


@pytest.mark.parametrize(
    ("hundredths", "printed"),
    [
        (0, "0.00"),
        (5, "0.05"),
        (-5, "-0.05"),
        (110, "1.10"),
        (916, "9.16"),
        (-916, "-9.16"),
        (12345, "123.45"),
        (-1, "-0.01"),
        (1, "0.01"),
    ],
)
def test_hundredths(hundredths: int, printed: str, text: Text) -> None:
    text.call("text_hundredths", ctypes.c_int64(hundredths))
    assert text.output() == printed


def test_any_hundredths(text: Text) -> None:
    @settings(max_examples=200, deadline=None)
    @given(st.integers(-(2**32 - 1), 2**32 - 1))
    def check(hundredths: int) -> None:
        text.call("text_hundredths", ctypes.c_int64(hundredths))
        sign = "-" if hundredths < 0 else ""
        assert text.output() == f"{sign}{abs(hundredths) // 100}.{abs(hundredths) % 100:02d}"

    check()


def test_lines_end_with_cr_lf(text: Text) -> None:
    text.call("text_line", b"Ready")
    assert text.output() == "Ready\r\n"


def test_any_message_has_its_fields_and_their_checksum(text: Text) -> None:
    @settings(max_examples=200, deadline=None)
    @given(unsigned, unsigned, st.lists(signed, min_size=1, max_size=64), st.lists(CLASS_NAMES, min_size=1))
    def check(number: int, register: int, values: list[int], names: list[str]) -> None:
        text.call("text_put", b"in front")  # which no checksum covers
        text.output()
        text.call("message_begin", b"name")
        text.call("message_text", b"text", b"value")
        text.call("message_unsigned", b"number", ctypes.c_uint32(number))
        text.call("message_hex", b"register", ctypes.c_uint32(register))
        text.call("message_signed_list", b"list", (ctypes.c_int32 * len(values))(*values), len(values))
        pointers = (ctypes.c_char_p * len(names))(*(name.encode() for name in names))
        text.call("message_names", b"names", pointers, len(names))
        text.call("message_end")
        assert text.output().removesuffix("\r\n") == link.format_line(
            "name",
            text="value",
            number=number,
            register=f"{register:08x}",
            list=",".join(map(str, values)),
            names=link.escape_names(names),
        )

    check()
