"""The instructions that Renode executes, one by one, by its execution tracer."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from common.errors import UserError
from tooling import processes
from tooling.setup import renode
from tooling.simulate.renode import console, load_commands

_INSTRUCTIONS_A_SECOND = 40_000_000  # of virtual time: renode/stm32f103c8.repl
_BOOT_SECONDS = 0.05  # of virtual time, before and after the function; measured: 2 ms
_LIMIT = 300.0  # of the whole run, on a busy machine


def function_at_boot(elf_file: Path, address: int, instructions: int) -> array[int]:
    """The addresses of the first execution of a function after the reset, of about `instructions`.

    Interrupts that came in between are part of it. Errors: UserError where Renode is missing or fails, or the
    function does not run.
    """
    program = renode.require()
    seconds = _BOOT_SECONDS + 2 * instructions / _INSTRUCTIONS_A_SECOND
    with tempfile.TemporaryDirectory(prefix="bluepill-") as folder:
        trace = Path(folder) / "trace.txt"
        commands = [
            *load_commands(elf_file, Path(folder)),
            f'cpu CreateExecutionTracing "tracer" @{trace} PCAndOpcode',
            f'emulation RunFor "{seconds:.3f}"',
            "quit",
        ]
        finished = processes.run(
            [program, *console(commands)],
            cwd=Path(folder),
            extra_environment=renode.ENVIRONMENT,
            timeout=_LIMIT,
            capture=True,
        )
        if finished.status or not trace.is_file():
            print(finished.output.rstrip())
            raise UserError("Renode wrote no trace: the reason is in the lines above.")
        with trace.open() as lines:
            found = first_execution(_addresses(lines), address)
    if not found:
        raise UserError("Renode did not get as far as the function: look at its boot with './inv sim'.")
    return found


def first_execution(addresses: Iterator[int], start: int) -> array[int]:
    """What is executed from the first time at `start` until behind the call, a BL, that led there."""
    before = next((before for before, address in _pairs(addresses) if address == start), None)
    found = array("I")
    if before is None:
        return found
    found.append(start)
    for address in addresses:
        if address == before + 4:
            return found
        found.append(address)
    return array("I")


def skipped(
    traced: Sequence[int], executed: Sequence[int], conditional_after: Callable[[int], int]
) -> int | None:
    """How many of the traced instructions were not executed, being conditional; None where others differ.

    conditional_after: how many instructions the one at an address makes conditional, as IT does.
    """
    count = position = conditional = 0
    counts = {address: conditional_after(address) for address in set(traced)}
    for address in traced:
        if position < len(executed) and executed[position] == address:
            position += 1
        elif conditional:
            count += 1
        else:
            return None
        conditional = counts[address] or max(conditional - 1, 0)
    return count if position == len(executed) else None


def _pairs(addresses: Iterator[int]) -> Iterator[tuple[int, int]]:
    """Each address with the one before it; unlike itertools.pairwise, never one ahead."""
    before = next(addresses, 0)
    for address in addresses:
        yield before, address
        before = address


def _addresses(lines: Iterator[str]) -> Iterator[int]:
    """The addresses in a trace: lines of 0xADDRESS: 0xOPCODE."""
    return (int(line.split(":")[0], 16) for line in lines)
