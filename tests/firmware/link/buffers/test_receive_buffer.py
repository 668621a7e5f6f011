"""The receive buffer, with an interrupt or DMA between any two instructions of the main loop.

The chip's code runs on an emulated Cortex-M3. Each test stops `receive_buffer_get` before one of its
instructions, lets bytes and faults arrive, and continues. Every byte must come out once and in order, every
fault must be reported, and no byte behind a fault may be taken before the fault is reported. Bytes that DMA
overwrote must be reported as lost.
"""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from common.paths import ROOT

unicorn = pytest.importorskip("unicorn")
from unicorn import arm_const as arm  # noqa: E402

LINK = ROOT / "firmware" / "link"
CODE, RAM, RETURN = 0x08000000, 0x20000000, 0x0FFFF000
STACK, INTERRUPT_STACK = RAM + 0x4000, RAM + 0x5000
BUFFER, BYTE, FAULTS = RAM, RAM + 0x1000, RAM + 0x1010
SIZE, CAPACITY = 8, 4  # small, to be full soon; RECEIVE_BUFFER_MARGIN places stay unused
BYTES_AT = 24  # of struct receive_buffer: three numbers and three counts come first
NOTHING, A_BYTE, A_FAULT = range(3)

# What an interrupt does: b stores a byte, each other letter is a fault of one kind.
KINDS = "lfn"  # lost, framing, noise
INTERRUPTS = ("b", "l", "f", "n", "lb", "fb", "bl", "lbf", "bfb")
# What the buffer holds before: '.' is a look of the main loop.
BEFORE = (
    "",
    "b",
    "bb",
    "l",
    "lb",
    "bl",
    "bf",
    "lf",
    "b.l",
    "l.b",
    "l.f",
    "bn..",
    "full",
    "full.",
    "full b",
    "full l",
)


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, dict[str, int]]:
    """The chip's code of the buffer, and where its functions are."""
    compiler = shutil.which("arm-none-eabi-gcc")
    if compiler is None:
        pytest.skip("there is no arm-none-eabi-gcc on PATH")
    folder = tmp_path_factory.mktemp("buffer")
    source, elf = LINK / "receive_buffer.c", folder / "buffer.elf"
    (folder / "model.h").write_text("#define NETWORK_PIXELS 16\n")
    flags = ["-std=c11", "-O2", "-mcpu=cortex-m3", "-mthumb", "-ffreestanding", "-nostdlib"]
    flags += [f"-I{folder}", f"-DRECEIVE_BUFFER_BYTES={SIZE}"]
    layout = ["-Wl,-e,receive_buffer_get", f"-Wl,--section-start=.text={CODE:#x}"]
    subprocess.run([compiler, *flags, *layout, source, "-o", elf], check=True)
    subprocess.run(["arm-none-eabi-objcopy", "-O", "binary", elf, elf.with_suffix(".bin")], check=True)
    symbols = subprocess.run(["arm-none-eabi-nm", elf], check=True, capture_output=True, text=True).stdout
    places = {name: int(address, 16) for address, _, name in map(str.split, symbols.splitlines())}
    return elf.with_suffix(".bin").read_bytes(), places


@dataclass
class Wire:
    """What came, and what the main loop has seen of it."""

    next_byte: int = 0
    noted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    reported: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    stored: list[tuple[int, dict[str, int]]] = field(default_factory=list)
    """Each byte in the buffer, with the faults that were noted before it."""


class Chip:
    """The buffer in an emulated chip."""

    def __init__(self, code: bytes, symbols: dict[str, int]) -> None:
        self._symbols = symbols
        self._chip = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        for start, size in ((CODE, 0x1000), (RAM, 0x5000), (RETURN, 0x1000)):
            self._chip.mem_map(start, size)
        self._chip.mem_write(CODE, code)
        self._countdown = 0  # instructions until the emulation stops; below 1 it does not
        self._chip.hook_add(unicorn.UC_HOOK_CODE, self._before_instruction)

    def reset(self) -> Wire:
        self._chip.mem_write(BUFFER, bytes(0x1000))
        return Wire()

    def interrupt(self, wire: Wire, what: str) -> None:
        """Each letter of `what` happens to the buffer, on its own stack."""
        for letter in what:
            if letter == "b":
                head = self._chip.mem_read(BUFFER, 4)
                self._call("receive_buffer_put", INTERRUPT_STACK, BUFFER, wire.next_byte)
                if self._chip.mem_read(BUFFER, 4) != head:
                    wire.stored.append((wire.next_byte, dict(wire.noted)))
                else:
                    assert len(wire.stored) >= CAPACITY, "a byte was lost although the buffer had room"
                    wire.noted["l"] += 1
                wire.next_byte = (wire.next_byte + 1) % 256
            else:
                counts = [int(letter == kind) for kind in KINDS]
                self._call("receive_buffer_damage", INTERRUPT_STACK, BUFFER, *counts)
                wire.noted[letter] += 1

    def look(self, wire: Wire, stop: int = -1, what: str = "") -> tuple[int, bool]:
        """One look of the main loop, with an interrupt after `stop` instructions.

        Returns what it got, and whether the interrupt came before the end. Fails if the result is wrong.
        """
        self._begin_look(wire)
        self._countdown = stop + 1
        self._call("receive_buffer_get", STACK, BUFFER, BYTE, FAULTS)
        self._countdown = 0
        place = self._chip.reg_read(arm.UC_ARM_REG_PC)
        interrupted = place != RETURN
        if interrupted:
            main_loop = self._chip.context_save()
            self.interrupt(wire, what)
            self._chip.context_restore(main_loop)
            self._chip.emu_start(place | 1, RETURN)
        got = self._chip.reg_read(arm.UC_ARM_REG_R0)
        self._check(wire, got)
        return got, interrupted

    def _begin_look(self, wire: Wire) -> None:
        """What the main loop does before receive_buffer_get()."""

    def _check(self, wire: Wire, got: int) -> None:
        if got == A_BYTE:
            byte, noted_before = wire.stored.pop(0)
            assert self._chip.mem_read(BYTE, 1)[0] == byte, "another byte was taken"
            unreported = {kind: noted_before[kind] - wire.reported[kind] for kind in KINDS}
            assert max(unreported.values()) <= 0, f"a byte was taken before the faults {unreported}"
        elif got == A_FAULT:
            counts = self._faults()
            assert any(counts), "a fault of nothing"
            for kind, count in zip(KINDS, counts, strict=True):
                wire.reported[kind] += count

    def _faults(self) -> list[int]:
        return [int.from_bytes(self._chip.mem_read(FAULTS + 4 * k, 4), "little") for k in range(3)]

    def drain(self, wire: Wire) -> None:
        """Looks until there is nothing: everything must have come out."""
        while self.look(wire)[0] != NOTHING:
            pass
        assert not wire.stored
        assert wire.reported == wire.noted

    def _call(self, function: str, stack: int, *arguments: int) -> None:
        registers = (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R1, arm.UC_ARM_REG_R2, arm.UC_ARM_REG_R3)
        for register, value in zip(registers, arguments, strict=False):
            self._chip.reg_write(register, value)
        self._chip.reg_write(arm.UC_ARM_REG_SP, stack)
        self._chip.reg_write(arm.UC_ARM_REG_LR, RETURN | 1)
        self._chip.emu_start(self._symbols[function] | 1, RETURN)

    def _before_instruction(self, chip: Any, *_: object) -> None:
        self._countdown -= 1
        if self._countdown == 0:
            chip.emu_stop()


class DmaChip(Chip):
    """The buffer in an emulated chip whose DMA controller stores the bytes: `head` lies in the controller."""

    def reset(self) -> Wire:
        self._head = 0
        self._damaged: set[int] = set()
        self._must_skip: set[int] = set()
        return super().reset()

    def interrupt(self, wire: Wire, what: str) -> None:
        """b: DMA stores a byte. f, n: DMA stores a damaged byte, which the interrupt notes. l: an overrun."""
        for letter in what:
            if letter != "l":
                noted = dict(wire.noted)
                if letter != "b":
                    noted[letter] += 1
                    self._damaged.add(wire.next_byte)
                    if wire.noted == wire.reported:  # else it may lie behind good bytes
                        self._must_skip.add(wire.next_byte)
                self._chip.mem_write(BUFFER + BYTES_AT + self._head % SIZE, bytes([wire.next_byte]))
                wire.stored.append((wire.next_byte, noted))
                wire.next_byte = (wire.next_byte + 1) % 256
                self._head += 1
            if letter != "b":
                wire.noted[letter] += 1
                at = self._head - (letter != "l")
                counts = [int(letter == kind) for kind in KINDS]
                pointer = INTERRUPT_STACK - 8  # arguments from the fifth on lie on the stack
                self._chip.mem_write(pointer, b"".join(count.to_bytes(4, "little") for count in counts[1:]))
                self._call("receive_buffer_damage_at", pointer, BUFFER, at, self._head, counts[0])

    def _begin_look(self, wire: Wire) -> None:
        self._call("receive_buffer_advance", STACK, BUFFER, self._head)
        self._tail = self._read_tail()
        self._seen = len(wire.stored)  # what the main loop can know of; more may come during the look

    def _read_tail(self) -> int:
        return int.from_bytes(self._chip.mem_read(BUFFER + BYTES_AT + SIZE, 4), "little")

    def _check(self, wire: Wire, got: int) -> None:
        if got == A_FAULT and self._seen > CAPACITY:
            assert self._faults() == [self._seen, 0, 0], "DMA overwrote another number of bytes"
            del wire.stored[: self._seen]
            return
        assert self._seen <= CAPACITY or got != A_BYTE, "a byte was taken that DMA may have overwritten"
        assert got != A_BYTE or wire.stored[0][0] not in self._must_skip, "a damaged byte was taken"
        super()._check(wire, got)
        if got == A_FAULT:
            skipped = [wire.stored.pop(0)[0] for _ in range(self._read_tail() - self._tail)]
            assert set(skipped) <= self._damaged, "good bytes were skipped"


def prepare(chip: Chip, wire: Wire, before: str) -> None:
    for step in before.replace("full", "b" * CAPACITY).replace(" ", ""):
        if step == ".":
            chip.look(wire)
        else:
            chip.interrupt(wire, step)


def interrupt_everywhere(chip: Chip, before: str, events: Sequence[str]) -> None:
    """Let each of the events happen before each instruction of a look. Fails if anything is lost."""
    moments = 0
    for what in events:
        stop, interrupted = 1, True
        while interrupted:
            wire = chip.reset()
            prepare(chip, wire, before)
            interrupted = chip.look(wire, stop, what)[1]
            chip.drain(wire)
            stop += 1
            moments += interrupted
    assert moments > 10 * len(events)  # else nothing was interrupted


@pytest.mark.parametrize("before", BEFORE)
def test_an_interrupt_between_any_two_instructions_loses_nothing(
    code: tuple[bytes, dict[str, int]], before: str
) -> None:
    interrupt_everywhere(Chip(*code), before, INTERRUPTS)


# DMA may store up to SIZE - CAPACITY bytes during a look.
@pytest.mark.parametrize("before", [*BEFORE, "bbbbb", "bbbbf", "full.bb", "bbfbbbbbb", "bbbbbbbbb"])
def test_dma_between_any_two_instructions_loses_nothing(
    code: tuple[bytes, dict[str, int]], before: str
) -> None:
    interrupt_everywhere(DmaChip(*code), before, (*INTERRUPTS, "bbbb", "bbfb"))
