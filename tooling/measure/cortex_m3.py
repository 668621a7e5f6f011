"""Functions of a firmware, run on an emulated Cortex-M3 that estimates their cycles.

The instructions are executed by Unicorn, without the start-up code: .data is placed, .bss is zero, and no
peripheral exists but those that set_words() makes. timing.py estimates what they cost.
"""

from __future__ import annotations

import struct
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from capstone import CS_ARCH_ARM, CS_MODE_MCLASS, CS_MODE_THUMB, Cs
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from unicorn import (
    UC_ARCH_ARM,
    UC_HOOK_CODE,
    UC_HOOK_MEM_READ,
    UC_MODE_MCLASS,
    UC_MODE_THUMB,
    Uc,
    UcError,
)
from unicorn.arm_const import (
    UC_ARM_REG_LR,
    UC_ARM_REG_PC,
    UC_ARM_REG_R0,
    UC_ARM_REG_R1,
    UC_ARM_REG_R2,
    UC_ARM_REG_R3,
    UC_ARM_REG_SP,
)

from common.errors import UserError
from common.paths import shown
from compiler.target import CLOCK, memories
from tooling.measure.timing import Clock, Instruction, decode

# Outside the chip: arguments that no memory of the chip is spent on, and the address that ends a call.
_ARGUMENTS = 0x60000000
_RETURN = 0x0FFFF000
_PAGE = 0x1000
_ARGUMENT_BYTES = 4 * _PAGE  # the largest image, its logits, and more

_ARGUMENT_REGISTERS = (UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3)

_PAINT = b"\xa5"


@dataclass
class Count:
    """What some part of the code took; `cycles` at best."""

    instructions: int = 0
    cycles: int = 0
    worst_cycles: int = 0


@dataclass
class Execution:
    """What a call took: by owner (see Machine), and the bytes of stack it went down.

    value: what it returned. addresses: of all instructions in their order, where they were asked for.
    """

    value: int = 0
    counts: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    stack: int = 0
    fetch_stalls: int = 0
    flash_loads: int = 0
    addresses: array[int] = field(default_factory=lambda: array("I"))

    @property
    def total(self) -> Count:
        """All of it."""
        return Count(
            sum(count.instructions for count in self.counts.values()),
            sum(count.cycles for count in self.counts.values()),
            sum(count.worst_cycles for count in self.counts.values()),
        )


class Machine:
    """A chip with a firmware in its flash.

    owners: names of functions that what they call is counted for; all other functions' instructions belong to
    the owner that ran last. A clone that GCC made of a function goes by the function's name.
    records: whether executions tell the addresses of their instructions.
    counts: whether executions tell anything; without, the emulator is some hundred times faster.
    Errors: UserError where the file cannot be read as a firmware.
    """

    def __init__(
        self, elf_file: Path, owners: Collection[str] = (), *, records: bool = False, counts: bool = True
    ) -> None:
        self._flash, self._sram = memories()
        self._owners = frozenset(owners)
        self._records = records
        self._emulator = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        for start, length in (
            (self._flash.origin, self._flash.length),
            (self._sram.origin, self._sram.length),
            (_RETURN, _PAGE),
            (_ARGUMENTS, _ARGUMENT_BYTES),
        ):
            self._emulator.mem_map(start, length)
        self._peripherals: set[int] = set()
        self.symbols: dict[str, int] = {}
        self._functions: list[tuple[int, str]] = []
        self._load(elf_file)
        self._disassembler = Cs(CS_ARCH_ARM, CS_MODE_THUMB | CS_MODE_MCLASS)
        self._decoded: dict[int, Instruction] = {}
        if counts:
            self._add_hooks()
        self._reset()

    def _add_hooks(self) -> None:
        self._emulator.hook_add(UC_HOOK_CODE, self._on_instruction)
        end_of_flash = self._flash.origin + self._flash.length - 1
        self._emulator.hook_add(UC_HOOK_MEM_READ, self._on_read, begin=self._flash.origin, end=end_of_flash)

    def set_words(self, values: Mapping[int, int]) -> None:
        """Puts words at addresses: of variables, or of peripherals, which behave as memory from then on."""
        for address, value in values.items():
            page = address & -_PAGE
            if address not in self._sram and page not in self._peripherals:
                self._emulator.mem_map(page, _PAGE)
                self._peripherals.add(page)
            self._emulator.mem_write(address, struct.pack("<I", value))

    def fill(self, symbol: str, content: bytes) -> None:
        """Write bytes to a variable; a variable that the linker left out is ignored."""
        if symbol in self.symbols:
            self._emulator.mem_write(self.symbols[symbol], content)

    def call(self, function: str, *arguments: int | bytes | bytearray, limit_s: float = 600.0) -> Execution:
        """Runs a function to its return. A bytearray is memory to write into, and holds the result then.

        Raises UserError if there is no such function, or if it crashes or hangs.
        """
        if function not in self.symbols:
            raise UserError(f"The firmware has no function '{function}': type './inv build'.")
        buffers: list[tuple[int, bytearray]] = []
        words: list[int] = []
        free = _ARGUMENTS
        for argument in arguments:
            if isinstance(argument, int):
                words.append(argument)
                continue
            self._emulator.mem_write(free, bytes(argument))
            words.append(free)
            if isinstance(argument, bytearray):
                buffers.append((free, argument))
            free += -(-len(argument) // 8) * 8

        top = self.symbols.get("stack_top", self._sram.origin + self._sram.length)
        bottom = self.symbols.get("stack_bottom", top)
        self._emulator.mem_write(bottom, _PAINT * (top - bottom))
        self._pass_arguments(words, top)
        self._emulator.reg_write(UC_ARM_REG_LR, _RETURN | 1)
        self._reset()
        try:
            self._emulator.emu_start(self.symbols[function] | 1, _RETURN, timeout=int(limit_s * 1_000_000))
        except UcError as error:
            raise UserError(
                f"{function} crashed at {self._emulator.reg_read(UC_ARM_REG_PC):#010x} ({error}): "
                "look there with arm-none-eabi-objdump -d."
            ) from None
        if self._emulator.reg_read(UC_ARM_REG_PC) & ~1 != _RETURN:
            raise UserError(f"{function} did not return in {limit_s:g} seconds: look for an endless loop.")
        for address, buffer in buffers:
            buffer[:] = self._emulator.mem_read(address, len(buffer))
        self._execution.value = self._emulator.reg_read(UC_ARM_REG_R0)
        self._execution.fetch_stalls = self._best.fetch_stalls
        stack = bytes(self._emulator.mem_read(bottom, top - bottom))
        self._execution.stack = len(stack.lstrip(_PAINT))
        return self._execution

    def _pass_arguments(self, words: Sequence[int], top: int) -> None:
        """Put four arguments into registers and the others on the stack (AAPCS32, 6.4)."""
        for register, word in zip(_ARGUMENT_REGISTERS, words, strict=False):
            self._emulator.reg_write(register, word)
        others = words[len(_ARGUMENT_REGISTERS) :]
        stack = top - -(-4 * len(others) // 8) * 8
        self._emulator.mem_write(stack, struct.pack(f"<{len(others)}I", *others))
        self._emulator.reg_write(UC_ARM_REG_SP, stack)

    def classify(self, image: bytes, classes: int) -> tuple[list[int], Execution]:
        """Run network_run on one image: its logits, and what it took."""
        logits = bytearray(4 * classes)
        execution = self.call("network_run", image, logits)
        return list(struct.unpack(f"<{classes}i", logits)), execution

    def conditional_after(self, address: int) -> int:
        """How many instructions the one at this address makes conditional: none, if it is no IT."""
        code = bytes(self._emulator.mem_read(address, 2))
        found = next(self._disassembler.disasm_lite(code, address), None)
        return len(found[2]) - 1 if found and found[2].startswith("it") else 0

    def function_at(self, address: int) -> str:
        """The name of the function that an instruction belongs to."""
        index = bisect_right(self._functions, (address, chr(0x10FFFF))) - 1
        return self._functions[index][1] if index >= 0 else ""

    def _load(self, elf_file: Path) -> None:
        try:
            with elf_file.open("rb") as stream:
                elf = ELFFile(stream)
                for segment in elf.iter_segments("PT_LOAD"):
                    for address in {segment["p_paddr"], segment["p_vaddr"]} if segment["p_filesz"] else ():
                        self._emulator.mem_write(address, segment.data())
                table: Any = elf.get_section_by_name(".symtab")
                symbols = list(table.iter_symbols()) if table else []
        except (OSError, ELFError, UcError) as error:
            raise UserError(f"{shown(elf_file)} is no firmware ({error}): type './inv build'.") from None
        self.symbols = {symbol.name: symbol["st_value"] & ~1 for symbol in symbols if symbol.name}
        self._functions = sorted(
            (symbol["st_value"] & ~1, symbol.name.split(".")[0])
            for symbol in symbols
            if symbol["st_info"]["type"] == "STT_FUNC"
        )

    def _reset(self) -> None:
        self._execution = Execution()
        self._count = Count()
        self._function = ""
        self._best, self._worst = Clock(at_worst=False), Clock(at_worst=True)

    def _on_instruction(self, _: Any, address: int, size: int, __: Any) -> None:
        instruction = self._decoded.get(address) or self._decode(address, size)
        if instruction.function is not self._function:
            self._enter(instruction.function)
        if self._records:
            self._execution.addresses.append(address)
        best, worst = self._best.cycles, self._worst.cycles
        in_flash = address in self._flash
        self._best.execute(address, instruction, in_flash)
        self._worst.execute(address, instruction, in_flash)
        self._count.instructions += 1
        self._count.cycles += self._best.cycles - best
        self._count.worst_cycles += self._worst.cycles - worst

    def _on_read(self, _: Any, __: int, ___: int, ____: int, _____: int, ______: Any) -> None:
        best, worst = self._best.cycles, self._worst.cycles
        self._best.read_flash()
        self._worst.read_flash()
        self._execution.flash_loads += 1
        self._count.cycles += self._best.cycles - best
        self._count.worst_cycles += self._worst.cycles - worst

    def _enter(self, function: str) -> None:
        self._function = function
        if function in self._owners or not self._execution.counts:
            self._count = self._execution.counts[function]

    def _decode(self, address: int, size: int) -> Instruction:
        code = bytes(self._emulator.mem_read(address, size))
        found = next(self._disassembler.disasm_lite(code, address), None)
        mnemonic, operands = (found[2], found[3]) if found else ("", "")
        instruction = decode(address, size, mnemonic, operands, self.function_at(address))
        self._decoded[address] = instruction
        return instruction


def milliseconds(cycles: int) -> str:
    """The time of `cycles` at the chip's full clock."""
    return f"{1000 * cycles / CLOCK:.2f} ms"
