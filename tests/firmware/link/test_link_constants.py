"""LINK.md, host/link/ and firmware/link/link.h agree."""

import re
from pathlib import Path

from common import limits
from host import link

LINK = Path(__file__).parents[3] / "firmware"
DOCUMENT = (LINK / "LINK.md").read_text(encoding="utf-8")
HEADER = LINK / "link" / "link.h"


def table(heading: str) -> list[list[str]]:
    """The rows of the first table in LINK.md whose first column has this heading, as stripped cells."""
    after = DOCUMENT.split(f"\n| {heading} |", 1)[1].splitlines()[2:]
    rows = []
    for line in after:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def number(pattern: str) -> int:
    match = re.search(pattern, " ".join(DOCUMENT.split()))  # whatever the lines' ends
    assert match, f"LINK.md no longer says {pattern!r}"
    return int(match[1])


def test_frame_of_the_document() -> None:
    rows = {field: (offset, size, meaning) for offset, size, field, meaning in table("offset")}
    assert rows["version"][2] == str(link.VERSION)
    assert int(rows["payload"][0]) == link.HEADER_BYTES
    assert int(rows["checksum"][1]) == link.CHECKSUM_BYTES
    assert number(r"longest body has (\d+) bytes more") == link.max_body(0)


def test_largest_image_of_the_document() -> None:
    assert number(r"bytes, as `@info` reports them: 16 to (\d+)") == limits.MAX_IMAGE_BYTES
    assert number(r"bytes, as `@info` reports them: (\d+) to") == limits.MIN_SIDE**2
    body = link.max_body(limits.MAX_IMAGE_BYTES)
    longest = link.wrap_body(bytes([1]) * body)
    assert number(r"largest image makes a frame of (\d+)") == body + body // 254 + 3 == len(longest)
    assert number(r"A class name has 1 to (\d+) printable") == limits.MAX_NAME_CHARACTERS
    assert number(r"No line is longer than (\d+) characters") == link.MAX_LINE


def test_commands_of_the_document() -> None:
    commands = {name: int(command) for command, name, _, _ in table("command")}
    assert commands == {command.name.lower(): command.value for command in link.Command}


def test_errors_of_the_document() -> None:
    names = [row[0] for row in table("name")]
    assert names == list(link.ERRORS)


def test_details_of_the_document_are_what_the_sentences_use() -> None:
    for name, _, detail in table("name"):
        known = set(re.findall(r"`([a-z]+)`", detail))
        used = set(re.findall(r"\{([a-z]+)\}", link.ERRORS[name].sentence))
        assert used <= known, name


def test_baud_rates_of_the_document() -> None:
    assert number(r"USART1 runs at (\d+) baud after every reset") == link.DEFAULT_BAUD
    assert number(r"arrives within (\d+) ms, the board falls back") == link.FOLLOW_MS
    assert number(r"The slowest raised rate is (\d+)") == link.RAISED_BAUD
    assert number(r"The fastest rate is (\d+)") == link.MAX_BAUD
    assert number(r"a byte of the answer within (\d+) ms") == link.SILENCE_MS
    assert number(r"plus 1\.(\d) times `inference`") == round(10 * link.SILENCE_INFERENCES - 10)
    assert number(r"no byte of the answer comes within (\d+) ms either") == link.PROBE_MS


def test_fastest_byte_of_the_document() -> None:
    assert number(r"a byte every (\d+) cycles") == link.MIN_CYCLES_PER_BYTE


def test_timeout_of_the_document() -> None:
    assert number(r"nothing came for (\d+) ms") == link.TIMEOUT_MS


def test_header() -> None:
    text = HEADER.read_text(encoding="utf-8")
    defines = {
        name: int(value.rstrip("uU"), 0)
        for name, value in re.findall(r"#define LINK_([A-Z_]+) +\(?(\d\w*)\)?", text)
    }
    expected = {
        "VERSION": link.VERSION,
        "HEADER_BYTES": link.HEADER_BYTES,
        "CHECKSUM_BYTES": link.CHECKSUM_BYTES,
        "TIMEOUT_MS": link.TIMEOUT_MS,
        "BAUD": link.DEFAULT_BAUD,
        "RAISED_BAUD": link.RAISED_BAUD,
        "MAX_BAUD": link.MAX_BAUD,
        "FOLLOW_MS": link.FOLLOW_MS,
        "COMMAND_BAUD": link.Command.BAUD,
        "COMMAND_INFO": link.Command.INFO,
        "COMMAND_CLASSIFY": link.Command.CLASSIFY,
    }
    assert {name: defines.get(name) for name in expected} == expected
    assert re.search(r"#define LINK_MAX_PAYLOAD +NETWORK_PIXELS\b", text)
    errors = re.search(r"#define LINK_ERRORS\(X\)(.*?)(?<!\\)\n", text, re.DOTALL)
    assert errors, "link.h has no LINK_ERRORS"
    rows = re.findall(r'X\(\w+, *"([a-z]+)", (?:"([a-z]+)"|0), (?:"([a-z]+)"|0)\)', errors[1])
    assert [name for name, _, _ in rows] == list(link.ERRORS)
    details = {name: re.findall(r"`([a-z]+)`", detail) for name, _, detail in table("name")}
    assert {name: [detail for detail in both if detail] for name, *both in rows} == {
        **details,
        "selftest": [],  # its detail is a word; the others are numbers
    }
