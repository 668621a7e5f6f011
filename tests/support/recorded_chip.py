"""Functions of the firmware, run on an emulated core whose peripherals record what is written to them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile
from unicorn import UC_ARCH_ARM, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
from unicorn import arm_const as arm

RETURN = 0x0FFFF000

RCC_CR, RCC_CFGR = 0x40021000, 0x40021004
HSEON, HSERDY, PLLON, PLLRDY = 1 << 16, 1 << 17, 1 << 24, 1 << 25
PERIPHERALS = ((0x40000000, 0x30000), (0xE0000000, 0x100000))


@dataclass
class RecordedChip:
    """A chip with the firmware of an ELF file. `crystal`, `pll`: whether they start."""

    elf_file: Path
    crystal: bool = True
    pll: bool = True
    writes: list[tuple[int, int]] = field(default_factory=list)
    """Addresses and values, in order."""

    def __post_init__(self) -> None:
        self._values: dict[int, int] = defaultdict(int, {RCC_CR: 0x83})
        self.core = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        for start, size in ((0x08000000, 0x20000), (0x20000000, 0x5000), (RETURN, 0x1000)):
            self.core.mem_map(start, size)
        for base, size in PERIPHERALS:
            self.core.mmio_map(base, size, self._read, base, self._write, base)
        with self.elf_file.open("rb") as file:
            elf = ELFFile(file)
            for segment in elf.iter_segments("PT_LOAD"):
                self.core.mem_write(segment["p_vaddr"], segment.data())
                self.core.mem_write(segment["p_paddr"], segment.data())
            table: Any = elf.get_section_by_name(".symtab")
            self.symbols = {symbol.name: int(symbol["st_value"]) for symbol in table.iter_symbols()}

    def set_register(self, address: int, value: int) -> None:
        """What a peripheral's register reads from now on."""
        self._values[address] = value

    def call(self, function: str, *arguments: int, until_write_to: int = 0) -> int:
        """Runs a function, to its return or until it writes to a register. Returns R0."""
        self._stop_at = until_write_to
        for register, argument in zip(
            (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2), arguments, strict=False
        ):
            self.core.reg_write(register, argument)
        self.core.reg_write(arm.UC_ARM_REG_SP, self.symbols["stack_top"])
        self.core.reg_write(arm.UC_ARM_REG_LR, RETURN | 1)
        self.core.emu_start(self.symbols[function] | 1, RETURN, timeout=20_000_000)
        return int(self.core.reg_read(arm.UC_ARM_REG_R0))

    def written(self, address: int) -> list[int]:
        """What was written to one register, in order."""
        return [value for at, value in self.writes if at == address]

    def _read(self, _core: Uc, offset: int, _size: int, base: int) -> int:
        address = base + offset
        value = self._values[address]
        if address == RCC_CR:
            ready = (HSERDY if value & HSEON and self.crystal else 0) | (
                PLLRDY if value & PLLON and self.pll else 0
            )
            return value & ~(HSERDY | PLLRDY) | ready
        if address == RCC_CFGR:
            return value & ~0xC | (value & 3) << 2
        return value

    def _write(self, core: Uc, offset: int, _size: int, value: int, base: int) -> None:
        self.writes.append((base + offset, value))
        self._values[base + offset] = value
        if base + offset == self._stop_at:
            core.emu_stop()
