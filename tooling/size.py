"""How much flash and SRAM a firmware takes, read from its ELF file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elftools.common.exceptions import ELFError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from common.errors import UserError
from common.paths import shown
from compiler.target import memories
from tooling.tables import percent, table

_LARGEST = 12


@dataclass(frozen=True)
class Section:
    """One section that takes room on the chip. `flash` and `sram` are bytes; .data takes both."""

    name: str
    flash: int
    sram: int


@dataclass(frozen=True)
class Symbol:
    """One function or object, `size` bytes long."""

    name: str
    size: int
    memory: str


@dataclass(frozen=True)
class Size:
    """What a firmware takes of the chip, and what the chip has, in bytes."""

    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    flash_available: int
    sram_available: int

    @property
    def flash(self) -> int:
        return sum(section.flash for section in self.sections)

    @property
    def sram(self) -> int:
        return sum(section.sram for section in self.sections)


def measure(elf_file: Path) -> Size:
    """Sections, and symbols from the largest on, of an ELF file. Raises UserError when it is none."""
    flash, sram = memories()
    try:
        with elf_file.open("rb") as stream:
            elf = ELFFile(stream)
            segments = [segment for segment in elf.iter_segments() if segment["p_type"] == "PT_LOAD"]
            sections = []
            for section in elf.iter_sections():
                length = section["sh_size"]
                if not section["sh_flags"] & SH_FLAGS.SHF_ALLOC or not length:
                    continue
                in_sram = section["sh_addr"] in sram
                # Initialised data lies in flash as well: its segment is loaded at another address than it
                # runs at.
                is_loaded = section["sh_type"] != "SHT_NOBITS" and any(
                    segment["p_paddr"] in flash and segment.section_in_segment(section)
                    for segment in segments
                )
                sections.append(Section(section.name, length if is_loaded else 0, length if in_sram else 0))
            names: Any = elf.get_section_by_name(".symtab")
            symbols = [
                Symbol(symbol.name, symbol["st_size"], "SRAM" if symbol["st_value"] in sram else "flash")
                for symbol in (names.iter_symbols() if names else ())
                if symbol["st_size"] and symbol["st_info"]["type"] in ("STT_FUNC", "STT_OBJECT")
            ]
    except (OSError, ELFError) as error:
        raise UserError(
            f"{shown(elf_file)} cannot be read as an ELF file ({error}): type './inv build'."
        ) from None
    symbols.sort(key=lambda symbol: (-symbol.size, symbol.name))
    return Size(tuple(sections), tuple(symbols), flash.length, sram.length)


def summary(elf_file: Path) -> str:
    """Flash and SRAM taken and available, in one line."""
    size = measure(elf_file)
    flash_share = percent(size.flash, size.flash_available)
    sram_share = percent(size.sram, size.sram_available)
    return (
        f"{size.flash:,} of {size.flash_available:,} bytes of flash ({flash_share}), "
        f"{size.sram:,} of {size.sram_available:,} of SRAM ({sram_share})"
    )


def report(elf_file: Path) -> str:
    """The tables of `size`: sections and totals against the chip's limits, then the largest symbols."""
    size = measure(elf_file)
    sections = [("section", "flash", "SRAM")]
    sections += [(section.name, _bytes(section.flash), _bytes(section.sram)) for section in size.sections]
    sections.append(("total", _bytes(size.flash), _bytes(size.sram)))
    sections.append(("available", _bytes(size.flash_available), _bytes(size.sram_available)))
    sections.append(
        ("taken", percent(size.flash, size.flash_available), percent(size.sram, size.sram_available))
    )
    return f"{shown(elf_file)}\n\n{table(sections, left=1)}\n\n{largest_symbols(size)}"


def largest_symbols(size: Size) -> str:
    """A table of the functions and objects that take most."""
    rows = [("largest symbols", "in", "bytes")]
    rows += [(symbol.name, symbol.memory, _bytes(symbol.size)) for symbol in size.symbols[:_LARGEST]]
    return table(rows, left=2)


def _bytes(count: int) -> str:
    return f"{count:,}" if count else "-"
