"""The chip's memories come from the linker's layout."""

from pathlib import Path

import pytest

from common.errors import UserError
from common.paths import CHIPS
from compiler import target
from compiler.target import Memory


def test_the_chips_memory_is_read_from_the_linkers_layout(tmp_path: Path) -> None:
    assert target.memories() == (Memory(0x08000000, 64 * 1024), Memory(0x20000000, 20 * 1024))
    broken = tmp_path / "memory.ld"
    broken.write_text("FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 16K\n")
    with pytest.raises(UserError, match="has no line `SRAM"):
        target.memories(broken)
    with pytest.raises(UserError, match="cannot be read"):
        target.memories(tmp_path / "none.ld")


def test_the_memory_is_that_of_the_boards_chip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "BOARDS", tmp_path)
    description = tmp_path / "mine" / "board.cmake"
    description.parent.mkdir()
    description.write_text("# A larger one.\nset(CHIP stm32f103)\nset(CHIP_MEMORY stm32f103cb)\n")
    assert target.memory_layout("mine") == CHIPS / "stm32f103" / "memory" / "stm32f103cb.ld"
    description.write_text("set(CHIP stm32f103)\n")
    with pytest.raises(UserError, match=r"has no line `set\(CHIP_MEMORY"):
        target.memory_layout("mine")
