"""The cycles of a Cortex-M3 at 72 MHz with the flash of an STM32F103: rules, and clocks that follow them.

The best case takes the timings of the manual. The worst case adds the stalls that were measured on a real
STM32F103, published in github.com/jnk0le/random, "pipeline cycle test/doc/cortex_m3m4.md": wherever one of
them may occur, it does.
"""

from __future__ import annotations

from dataclasses import dataclass

ASSUMPTIONS = """\
Cycles are estimates that were never compared with hardware. Best case: instruction timings of the Cortex-M3
(ARM DDI 0337I, 3.3.1), where a taken branch refills the pipeline in 2 cycles and a load or store takes 1
behind another one, else 2. Flash at 72 MHz has 2 wait states, lines of 64 bits, and a prefetcher that brings
a line every 3 cycles; a branch to a line that it does not hold takes 2 more, and so does each load from
flash. An instruction that its condition skips counts as a short branch: 2 cycles, and no instruction.
Worst case: one cycle more wherever a stall that was measured on a real STM32F103 may occur: a load behind
another one if it reads another memory, updates its address, or has a 32-bit encoding that is not aligned to
words; a load behind a store; an address that the instruction before computed; a store with a register as
offset. Bus contention and interrupts are left out."""

# Cycles where the reference manual gives a range: the operands decide, these are typical.
_MULTIPLY_LONG = 4
_MULTIPLY_ACCUMULATE_LONG = 5
_DIVIDE = 7
_REFILL = 2  # of the pipeline, after a branch
WAIT_STATES = 2  # of a load from flash
_LINE_BYTES = 8
_LINE_CYCLES = 3

_WITHOUT_RESULT = ("cmp", "cmn", "tst", "teq", "str", "stm", "push", "cb", "it", "nop", "dsb", "isb", "dmb")
_BIT_FIELDS = ("bic", "bfc", "bfi")  # all other mnemonics with b are branches


@dataclass(frozen=True)
class Instruction:
    """One instruction: its cycles alone and behind a load or store, and what its stalls depend on.

    is_load: of one register. is_store: of any number. address: the registers that its address is made of.
    result: the register that it writes. stalls: the cycles that it takes more at worst. stalls_behind_load:
    those behind a load.
    """

    size: int
    cycles: int
    cycles_behind_memory: int
    is_memory: bool
    is_load: bool
    is_store: bool
    address: frozenset[str]
    result: str
    stalls: int
    stalls_behind_load: int
    function: str


def decode(address: int, size: int, mnemonic: str, operands: str, function: str) -> Instruction:
    """The instruction at an address, as a disassembler writes it."""
    mnemonic = mnemonic.split(".")[0]
    cycles, is_memory = _cycles(mnemonic, operands)
    is_single = mnemonic.startswith(("ldr", "str")) and not mnemonic.startswith(("ldrd", "strd"))
    is_load = is_single and mnemonic.startswith("ldr")
    within = operands.partition("[")[2].partition("]")[0] or (operands.partition("{")[0] if is_memory else "")
    registers = [register.strip(" !,") for register in within.split(",")]
    updates_address = operands.rstrip().endswith("!") or "]," in operands
    has_register_offset = len(registers) > 1 and not registers[1].startswith("#")
    is_branch = mnemonic.startswith("b") and not mnemonic.startswith(_BIT_FIELDS)
    has_result = not is_branch and not mnemonic.startswith(_WITHOUT_RESULT)
    return Instruction(
        size=size,
        cycles=cycles,
        cycles_behind_memory=1 if is_single else cycles,
        is_memory=is_memory,
        is_load=is_load,
        is_store=mnemonic.startswith(("str", "stm", "push")),
        address=frozenset(registers) if is_memory else frozenset(),
        result=operands.partition(",")[0].strip(" !") if has_result else "",
        stalls=int(is_single and not is_load and has_register_offset),
        stalls_behind_load=int(is_load and (updates_address or (size == 4 and address % 4 != 0))),
        function=function,
    )


class Clock:
    """Counts the cycles of instructions in the order of their execution.

    at_worst: whether each stall that may occur does. fetch_stalls: of the cycles, those waiting for code.
    """

    def __init__(self, at_worst: bool) -> None:
        self.cycles = 0
        self.fetch_stalls = 0
        self._at_worst = at_worst
        self._next_address = -1  # none: the call itself is no branch
        self._line = -10
        self._line_ready = 0
        self._before: Instruction | None = None
        self._before_reads_flash = self._reads_flash = self._is_chained = False

    def execute(self, address: int, instruction: Instruction, in_flash: bool) -> None:
        """Count an instruction; in_flash: it is fetched from there."""
        if self._at_worst:
            self._end_load()
        self._fetch(address, in_flash)
        before = self._before
        if before and before.is_memory:
            self.cycles += instruction.cycles_behind_memory
        else:
            self.cycles += instruction.cycles
        if self._at_worst and before:
            self.cycles += self._stalls(before, instruction)
        self._before = instruction
        self._next_address = address + instruction.size

    def read_flash(self) -> None:
        """Count a load from flash by the instruction that was executed last."""
        self.cycles += WAIT_STATES
        self._reads_flash = True

    def _stalls(self, before: Instruction, instruction: Instruction) -> int:
        stalls = instruction.stalls + (before.result in instruction.address if before.result else 0)
        self._is_chained = False
        if instruction.is_load and before.is_store:
            stalls += 1
        elif instruction.is_load and before.is_memory:
            stalls += instruction.stalls_behind_load
            self._is_chained = not instruction.stalls_behind_load
        return stalls

    def _end_load(self) -> None:
        """Once it is known where the last load read from: it is not chained to one from another memory."""
        if self._is_chained and self._before_reads_flash != self._reads_flash:
            self.cycles += 1
        self._before_reads_flash, self._reads_flash, self._is_chained = self._reads_flash, False, False

    def _fetch(self, address: int, in_flash: bool) -> None:
        line = address // _LINE_BYTES
        if self._next_address not in (address, -1):
            self.cycles += _REFILL
            if in_flash and line not in (self._line, self._line + 1):
                self.cycles += WAIT_STATES
                self.fetch_stalls += WAIT_STATES
                self._line_ready = self.cycles + _LINE_CYCLES
            self._line = line
        elif in_flash and line != self._line:
            if self._line_ready > self.cycles:
                self.fetch_stalls += self._line_ready - self.cycles
                self.cycles = self._line_ready
            self._line = line
            self._line_ready = self.cycles + _LINE_CYCLES


def _cycles(mnemonic: str, operands: str) -> tuple[int, bool]:
    """The cycles of an instruction that stands alone, and whether it is a load or store."""
    if mnemonic.startswith(("ldm", "stm", "push", "pop")):
        return 1 + operands[operands.index("{") :].count(",") + 1, True
    if mnemonic.startswith(("ldrd", "strd")):
        return 3, True
    if mnemonic.startswith(("ldr", "str")):
        return 2, True
    if mnemonic.startswith(("mla", "mls")):
        return 2, False
    if mnemonic.startswith(("umlal", "smlal")):
        return _MULTIPLY_ACCUMULATE_LONG, False
    if mnemonic.startswith(("umull", "smull")):
        return _MULTIPLY_LONG, False
    if mnemonic.startswith(("udiv", "sdiv")):
        return _DIVIDE, False
    return 1, False
