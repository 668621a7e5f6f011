"""The simulated Cortex-M3 runs functions, and counts by the rules it tells."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from common.errors import UserError

pytest.importorskip("unicorn", exc_type=ImportError)

from tooling.measure import cortex_m3

HEAD = ".syntax unified\n.thumb\n.text\n"
FUNCTION = ".balign 8\n.global {0}\n.type {0}, %function\n.thumb_func\n{0}:\n{1}\n.size {0}, . - {0}\n"


@pytest.fixture
def machine(tmp_path: Path) -> Callable[..., cortex_m3.Machine]:
    """A function that makes machines of functions: name=assembly."""
    compiler = shutil.which("arm-none-eabi-gcc")
    if compiler is None:
        pytest.skip("there is no arm-none-eabi-gcc on PATH")

    def build(owners: Sequence[str] = (), **functions: str) -> cortex_m3.Machine:
        source, elf = tmp_path / "functions.s", tmp_path / "functions.elf"
        source.write_text(HEAD + "".join(FUNCTION.format(*function) for function in functions.items()))
        layout = [f"-Wl,-e,{next(iter(functions))}", "-Wl,--section-start=.text=0x08000000"]
        subprocess.run(
            [compiler, "-mcpu=cortex-m3", "-nostdlib", *layout, source, "-o", elf],
            check=True,
        )
        return cortex_m3.Machine(elf, owners)

    return build


@pytest.mark.parametrize(
    ("assembly", "instructions", "cycles"),
    [
        ("bx lr", 1, 1),
        ("mla r0, r0, r0, r0\n" * 2 + "bx lr", 3, 5),
        ("ldr r1, [sp, #-8]\n ldr r2, [sp, #-4]\n bx lr", 3, 4),  # 2, 1 behind it, 1
        ("push {r4, lr}\n pop {r4, pc}", 2, 6),
        ("ldr r1, =0x12345678\n bx lr\n .ltorg", 2, 5),  # 2 more: the constant lies in flash
        ("b 1f\n nop\n 1: bx lr", 2, 4),  # the branch refills the pipeline, the line is there
        ("b 1f\n .space 24\n 1: bx lr", 2, 6),  # and here it is not
        ("udiv r0, r0, r0\n umull r0, r1, r2, r3\n bx lr", 3, 12),
        ("mov.w r0, #0\n" * 4 + "bx lr", 5, 7),  # 8 bytes in 2 cycles: faster than the flash
    ],
)
def test_instructions_take_what_the_manual_says(
    machine: Callable[..., cortex_m3.Machine], assembly: str, instructions: int, cycles: int
) -> None:
    total = machine(function=assembly).call("function").total
    assert (total.instructions, total.cycles) == (instructions, cycles)


ROOM = "sub sp, #16\n nop\n"  # on the stack
LOAD = "ldr r1, [sp, #-8]\n"


@pytest.mark.parametrize(
    ("assembly", "stalls"),
    [
        ("mov.w r0, #0\n" * 3 + "bx lr", 0),
        (LOAD + LOAD + "bx lr", 0),  # 32-bit encodings that are word-aligned
        ("nop\n" + LOAD + "bx lr", 0),  # not aligned, but behind no load
        (ROOM + "ldr r1, [sp]\n nop.w\n" + LOAD + "bx lr", 0),
        (ROOM + "ldr r1, [sp]\n" + LOAD + "bx lr", 1),  # not aligned behind a load
        (ROOM + "ldr r1, [sp]\n ldr r2, [sp], #4\n bx lr", 1),  # updates its address behind a load
        (ROOM + "ldr r2, [sp], #4\n bx lr", 0),  # the first of a chain may
        ("str r1, [sp, #-8]\n" + LOAD + "bx lr", 1),
        (ROOM + "mov r2, sp\n ldr r1, [r2]\n bx lr", 1),
        (ROOM + "mov r2, sp\n nop\n ldr r1, [r2]\n bx lr", 0),
        (ROOM + "cmp r2, r1\n ldr r1, [sp]\n bx lr", 0),  # a comparison computes no address
        (ROOM + "mov r3, #0\n nop\n str r1, [sp, r3]\n bx lr", 1),
        (ROOM + "adr r2, 1f\n nop\n ldr r1, [sp]\n ldr r1, [r2]\n bx lr\n .balign 4\n 1: .word 0", 1),
    ],
)
def test_at_worst_each_stall_of_a_real_chip_takes_a_cycle(
    machine: Callable[..., cortex_m3.Machine], assembly: str, stalls: int
) -> None:
    total = machine(function=assembly).call("function").total
    assert total.worst_cycles - total.cycles == stalls


def test_what_an_owner_calls_is_counted_for_it(machine: Callable[..., cortex_m3.Machine]) -> None:
    call = "push {lr}\n bl helper\n pop {pc}"
    chip = machine(
        ["run", "first", "second"],
        run="push {lr}\n bl first\n bl second\n pop {pc}",
        first=call,
        second=call,
        helper="mov r0, #0\n" * 10 + "bx lr",
    )
    execution = chip.call("run")
    counts = {owner: count.instructions for owner, count in execution.counts.items()}
    assert counts == {"run": 4, "first": 14, "second": 14}
    assert execution.stack == 0  # of no firmware: nothing tells where the stack lies


def test_arguments_go_in_and_come_out(machine: Callable[..., cortex_m3.Machine]) -> None:
    chip = machine(function="ldrb r3, [r0]\n add r3, r2\n strb r3, [r1, #1]\n bx lr")
    result = bytearray(2)
    chip.call("function", b"\x07", result, 5)
    assert result == b"\x00\x0c"


def test_crashes_and_hangs_are_one_sentence(
    machine: Callable[..., cortex_m3.Machine], tmp_path: Path
) -> None:
    chip = machine(crash="mov r0, #0x40000000\n ldr r0, [r0]\n bx lr", hang="b hang")
    with pytest.raises(UserError, match=r"^crash crashed at 0x08000004 .*objdump -d\.$"):
        chip.call("crash")
    with pytest.raises(UserError, match=r"hang did not return in 0\.1 seconds"):
        chip.call("hang", limit_s=0.1)
    with pytest.raises(UserError, match="has no function 'other'"):
        chip.call("other")
    with pytest.raises(UserError, match="is no firmware"):
        cortex_m3.Machine(tmp_path / "functions.s")
