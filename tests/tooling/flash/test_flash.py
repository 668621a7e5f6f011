"""`flash` with a fake st-flash on PATH: how it is called, and what a user reads if it fails."""

import os
import struct
from pathlib import Path

import pytest

from common.errors import UserError
from tooling import processes
from tooling.flash import image as images
from tooling.flash import st_flash

STACK_POINTER = 0x2000_0800
RESET_VECTOR = 0x0800_0101

FAKE = """#!/bin/sh
echo "$@" >>"{log}"
if [ -n "{failure}" ]; then echo "{failure}" >&2; exit 1; fi
for word in "$@"; do
    case $before in
        write) cp "$word" "{memory}" ;;
        read) cp "{memory}" "$word"; {damage} ;;
    esac
    before=$word
done
"""


def write_image(
    path: Path, stack_pointer: int = STACK_POINTER, reset: int = RESET_VECTOR, size: int = 1024
) -> Path:
    path.write_bytes(struct.pack("<II", stack_pointer, reset).ljust(size, b"\x5a"))
    return path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_image(tmp_path / "firmware.bin")


class FakeProbe:
    """A st-flash that keeps what is written and logs how it was called."""

    def __init__(self, folder: Path, failure: str = "", damage: str = ":") -> None:
        self.log = folder / "calls.txt"
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        program = bin_folder / "st-flash"
        program.write_text(
            FAKE.format(log=self.log, memory=folder / "chip.bin", failure=failure, damage=damage)
        )
        program.chmod(0o755)
        self.path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"

    @property
    def calls(self) -> list[list[str]]:
        return [line.split() for line in self.log.read_text().splitlines()] if self.log.exists() else []


def test_writes_reads_back_and_resets(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = FakeProbe(tmp_path)
    monkeypatch.setenv("PATH", probe.path)

    st_flash.flash(image)

    write, read, reset = probe.calls
    assert write == ["--flash=64k", "write", str(image), "0x08000000"]
    assert read[:2] == ["--flash=64k", "read"]
    assert read[3:] == ["0x08000000", "1024"]
    assert reset == ["--flash=64k", "reset"]


def test_connects_under_reset_when_asked(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = FakeProbe(tmp_path)
    monkeypatch.setenv("PATH", probe.path)

    st_flash.flash(image, under_reset=True)

    assert all("--connect-under-reset" in call for call in probe.calls)


def test_a_dry_run_touches_nothing(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    probe = FakeProbe(tmp_path)
    monkeypatch.setenv("PATH", probe.path)

    st_flash.flash(image, dry_run=True)

    assert probe.calls == []
    assert f"st-flash --flash=64k write {image} 0x08000000" in capsys.readouterr().out


def test_flash_that_differs_is_noticed(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = FakeProbe(tmp_path, damage='printf x | dd of="$word" bs=1 seek=99 conv=notrunc 2>/dev/null')
    monkeypatch.setenv("PATH", probe.path)

    with pytest.raises(UserError, match="does not hold what was written"):
        st_flash.flash(image)
    assert probe.calls[-1][1] == "read"


def test_a_missing_copy_of_the_flash_is_one_sentence(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = FakeProbe(tmp_path, damage='rm "$word"')
    monkeypatch.setenv("PATH", probe.path)

    with pytest.raises(UserError, match="did not write what it read"):
        st_flash.flash(image)
    assert probe.calls[-1][1] == "read"


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("WARN usb.c: Couldn't find any ST-Link devices", "No ST-Link was found"),
        ("ERROR usb.c: Could not open USB device 0x0483:0x3748, access error.", "may not use the ST-Link"),
        ("WARN usb.c: Error -3 (LIBUSB_ERROR_ACCESS) opening ST-Link v2 device", "may not use the ST-Link"),
        (
            "WARN usb.c: Stlink usb device found, but unable to claim (probably already in use?)",
            "in use by another",
        ),
        ("WARN common.c: unknown chip id! 0x5fa0004", "does not know the chip"),
        ("Failed to connect to target", "no chip answers"),
        (
            "ERROR common_flash.c: Verification of flash failed at offset: 128",
            "does not hold what was written",
        ),
        ("ERROR common_flash.c: Flash memory is write protected", "write-protected"),
        ("something new", r"st-flash failed while writing \(something new\)"),
    ],
)
def test_each_failure_is_one_sentence(
    printed: str, sentence: str, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = FakeProbe(tmp_path, failure=printed)
    monkeypatch.setenv("PATH", probe.path)

    with pytest.raises(UserError, match=sentence) as told:
        st_flash.flash(image)
    assert "\n" not in str(told.value)


def test_a_missing_tool_is_one_sentence(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(processes, "ENVIRONMENT_BIN", tmp_path)

    with pytest.raises(UserError, match="st-flash not found: "):
        st_flash.flash(image)


@pytest.mark.parametrize(
    ("stack_pointer", "reset", "size", "sentence"),
    [
        (0x2000_5000, RESET_VECTOR, 1024, ""),  # the stack may begin at the very end of SRAM
        (0x2000_5004, RESET_VECTOR, 1024, "not in SRAM"),
        (0x2000_0000, RESET_VECTOR, 1024, "not in SRAM"),
        (0x2000_0802, RESET_VECTOR, 1024, "not in SRAM"),
        (STACK_POINTER, 0x0800_0100, 1024, "not code in it"),
        (STACK_POINTER, 0x0800_0401, 1024, "not code in it"),
        (STACK_POINTER, 0xFFFF_FFFF, 1024, "not code in it"),
        (STACK_POINTER, RESET_VECTOR, 64 * 1024, ""),
        (STACK_POINTER, RESET_VECTOR, 64 * 1024 + 1, "choose a smaller model"),
    ],
)
def test_the_image_is_checked(
    stack_pointer: int, reset: int, size: int, sentence: str, tmp_path: Path
) -> None:
    path = write_image(tmp_path / "firmware.bin", stack_pointer, reset, size)
    if not sentence:
        assert images.check_image(path).size == size
        return
    with pytest.raises(UserError, match=sentence):
        images.check_image(path)


def test_a_short_or_missing_image_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "short.bin").write_bytes(b"1234567")
    with pytest.raises(UserError, match="too short"):
        images.check_image(tmp_path / "short.bin")
    with pytest.raises(UserError, match=r"type '\./inv build'"):
        images.check_image(tmp_path / "missing.bin")
