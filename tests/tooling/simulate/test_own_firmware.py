"""`sim --elf`: which files it takes, and which of the chip's complaints it shows."""

from pathlib import Path

import pytest

from common.errors import UserError
from tooling.simulate import own_firmware


def test_a_file_that_is_no_firmware_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    with pytest.raises(UserError, match=r"neither an \.elf"):
        own_firmware.run(text, None)
    with pytest.raises(UserError, match="There is no file"):
        own_firmware.run(tmp_path / "missing.elf", None)


def test_an_elf_may_have_any_name(tmp_path: Path) -> None:
    elf = tmp_path / "blink"
    elf.write_bytes(b"\x7fELF....")
    with pytest.raises(UserError, match="There is no file script"):
        own_firmware.run(elf, Path("script.resc"))


def test_complaints_are_shown_without_endless_repetition() -> None:
    log = "10:00 [INFO] cpu: ready\n10:01 [WARNING] usb: USB_CNTR is not modelled.\n10:02 [ERR"
    complaints = own_firmware.Complaints()
    assert list(complaints.new(log)) == ["usb: USB_CNTR is not modelled."]
    log += "OR] sysbus: fault\n" + "10:03 [ERROR] sysbus: fault\n" * 5
    assert list(complaints.new(log)) == [
        "sysbus: fault",
        "sysbus: fault",
        "sysbus: fault (again; not shown any more)",
    ]
