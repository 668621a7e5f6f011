"""Which kernel computes each step: the fastest that the chip has room for, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence

from compiler.kernels.kernel import Kernel, candidates, reference, refusals
from compiler.lower import Step
from compiler.target import Room


def choose(steps: Sequence[Step], kernels: Sequence[Sequence[Kernel]], room: Room) -> list[Kernel]:
    """The fastest kernel of each step whose scratch memory fits the arena beside the step's input and output.

    kernels: those to choose from, for each step. If none fits, the one with the least scratch memory. If all
    together take too much flash, kernels that take less replace them, those first that cost the fewest cycles
    for each byte saved.
    """
    fitting = [
        [kernel for kernel in found if kernel.scratch_bytes <= limit]
        or [min(found, key=lambda kernel: kernel.scratch_bytes)]
        for found, limit in zip(kernels, _scratch_limits(steps, room.arena), strict=True)
    ]
    chosen = [min(found, key=lambda kernel: kernel.cycles) for found in fitting]
    while sum(kernel.flash_bytes for kernel in chosen) > room.flash:
        replacements = [
            ((kernel.cycles - now.cycles) / (now.flash_bytes - kernel.flash_bytes), index, kernel)
            for index, (found, now) in enumerate(zip(fitting, chosen, strict=True))
            for kernel in found
            if kernel.flash_bytes < now.flash_bytes
        ]
        if not replacements:
            break
        _, index, kernel = min(replacements, key=lambda replacement: replacement[:2])
        chosen[index] = kernel
    return chosen


def reasons(steps: Sequence[Step], chosen: Sequence[Kernel], room: Room) -> list[dict[str, str]]:
    """Why each other fast kernel does not compute each step: clauses by the name of the kernel."""
    limits = _scratch_limits(steps, room.arena)
    return [_reasons(*of) for of in zip(steps, chosen, limits, strict=True)]


def _reasons(step: Step, chosen: Kernel, scratch_limit: int) -> dict[str, str]:
    found = refusals(step)
    others: dict[str, list[Kernel]] = {}
    for kernel in candidates(step):
        if kernel.name not in (chosen.name, reference(step).name):
            others.setdefault(kernel.name, []).append(kernel)
    for name, kernels in others.items():
        fitting = [kernel for kernel in kernels if kernel.scratch_bytes <= scratch_limit]
        if not fitting:
            needed = min(kernel.scratch_bytes for kernel in kernels)
            free = max(0, scratch_limit)
            found[name] = f"its {needed:,} bytes of scratch memory do not fit, {free:,} are free"
            continue
        fastest = min(fitting, key=lambda kernel: kernel.cycles)
        if fastest.cycles < chosen.cycles:
            found[name] = f"its {fastest.flash_bytes:,} bytes of flash do not fit beside the other layers"
        else:
            found[name] = f"it is slower, {fastest.cycles:,} cycles instead of {chosen.cycles:,} (estimates)"
    return found


def _scratch_limits(steps: Sequence[Step], arena: int) -> list[int]:
    """The bytes that the arena has beside the input and the output of each step."""
    outputs = [whole_words(step.target.bytes) for step in steps[:-1]]
    return [arena - source - output for source, output in zip([0, *outputs], [*outputs, 0], strict=True)]


def whole_words(size: int) -> int:
    """A size in bytes, rounded up to whole 32-bit words."""
    return -(-size // 4) * 4
