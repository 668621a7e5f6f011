"""What the linked image promises: where things lie, how much they take, and facts with one home."""

import re
import shutil
import zlib
from typing import Any

import pytest
from elftools.elf.elffile import ELFFile

from common.paths import ROOT
from compiler import model_file, resources
from compiler.target import SRAM_LIMIT, memories, memory_layout
from tooling import build, size
from tooling.simulate.qemu import SRAM as QEMU_SRAM

pytestmark = pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")


@pytest.fixture(scope="module")
def image() -> bytes:
    build.build(build.BLUEPILL)
    return build.image(build.BLUEPILL).with_suffix(".bin").read_bytes()


@pytest.fixture(scope="module")
def symbols(image: bytes) -> dict[str, int]:
    with build.image(build.BLUEPILL).open("rb") as file:
        table: Any = ELFFile(file).get_section_by_name(".symtab")
        return {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}


def test_the_stack_is_the_first_thing_in_sram(symbols: dict[str, int]) -> None:
    _, sram = memories()

    assert symbols["stack_bottom"] == sram.origin
    assert symbols["stack_bottom"] < symbols["stack_top"] <= symbols["data_start"]


def test_data_and_stack_of_the_default_model_leave_sram_free(symbols: dict[str, int]) -> None:
    _, sram = memories()

    assert symbols["bss_end"] <= sram.origin + SRAM_LIMIT < sram.origin + sram.length


def test_qemus_board_has_the_sram_that_qemu_simulates() -> None:
    _, sram = memories(memory_layout(build.QEMU_BOARD))

    assert sram.length == QEMU_SRAM


def test_the_vector_table_comes_first(image: bytes, symbols: dict[str, int]) -> None:
    stack_pointer, reset = (int.from_bytes(image[at : at + 4], "little") for at in (0, 4))

    assert stack_pointer == symbols["stack_top"]
    assert reset == symbols["reset_handler"] | 1


def test_the_image_ends_with_its_checksum(image: bytes, symbols: dict[str, int]) -> None:
    flash, _ = memories()
    at = symbols["firmware_checksum"] - flash.origin

    assert at == len(image) - 4
    assert int.from_bytes(image[at:], "little") == zlib.crc32(image[:at])


def test_the_firmware_takes_no_more_than_the_exporter_keeps_for_it(image: bytes) -> None:
    """Else a model could pass the export and fail to link."""
    measured = size.measure(build.image(build.BLUEPILL))
    report = resources.measure(model_file.load(build.model_file()))

    assert measured.flash <= report.flash_needed
    assert measured.sram <= report.sram_needed


def test_renode_has_the_memories_that_the_linker_has() -> None:
    flash, sram = memories()
    description = (ROOT / "renode" / "stm32f103c8.repl").read_text()

    def memory(name: str) -> tuple[int, int]:
        found = re.search(rf"^{name}: Memory\S+ @ \{{? ?sysbus (\w+).*\n\s+size: (\w+)", description, re.M)
        assert found is not None
        return int(found[1], 16), int(found[2], 16)

    assert memory("flash") == (flash.origin, flash.length)
    assert memory("sram") == (sram.origin, sram.length)
