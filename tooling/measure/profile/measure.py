"""One inference on the emulated Cortex-M3, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.paths import shown
from compiler import reference, schedule, target
from compiler.kernels import choice
from compiler.lower import Step
from compiler.network import Model
from tooling import size
from tooling.measure import renode_trace
from tooling.measure.cortex_m3 import Count, Machine
from tooling.measure.profile import arrival
from tooling.measure.profile.arrival import Arrival

NETWORK = "network_run"

_WATCHDOG = 0x40003000  # which the self-test feeds


@dataclass(frozen=True)
class LayerProfile:
    """What one layer takes.

    flash: the bytes of its constants and its own code. sram: those of its output and its scratch memory.
    others: why each other fast kernel does not compute it, by the kernel's name.
    """

    name: str
    kernel: str
    output: tuple[int, ...]
    macs: int
    instructions: int
    cycles: int
    worst_cycles: int
    flash: int
    sram: int
    others: Mapping[str, str]


@dataclass(frozen=True)
class Profile:
    """What one inference takes.

    rest: network_run itself. cycles_per_byte: the processor's cycles for each byte that it receives.
    stack, arena: bytes of SRAM.
    """

    layers: tuple[LayerProfile, ...]
    rest: Count
    cycles_per_byte: int
    arrivals: tuple[Arrival, ...]
    label: int
    logits: tuple[int, ...]
    stack: int
    stack_reserved: int
    arena: int
    flash_loads: int
    fetch_stalls: int

    @property
    def instructions(self) -> int:
        return sum(layer.instructions for layer in self.layers) + self.rest.instructions

    @property
    def cycles(self) -> int:
        return sum(layer.cycles for layer in self.layers) + self.rest.cycles

    @property
    def worst_cycles(self) -> int:
        return sum(layer.worst_cycles for layer in self.layers) + self.rest.worst_cycles

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)


def measure(elf_file: Path, model: Model, image: np.ndarray) -> Profile:
    """One inference of `elf_file`, which was built from `model`, on an image, uint8.

    Raises UserError if the firmware does not run or was built from another model.
    """
    image = image.reshape(model.input.shape)
    stages = schedule.plan(model).stages
    steps = [stage.step for stage in stages]
    symbols = size.measure(elf_file).symbols
    machine = Machine(elf_file, owners=[NETWORK, *(step.function for step in steps)])
    logits, execution = machine.classify(image.tobytes(), model.classes)
    if logits != reference.run(model, image[np.newaxis])[0].tolist():
        raise UserError(f"{shown(elf_file)} computes something else than the model: type './inv build'.")
    others = choice.reasons(steps, [stage.kernel for stage in stages], target.room(schedule.firmware(model)))
    layers = []
    for stage, why_not in zip(stages, others, strict=True):
        step, kernel = stage.step, stage.kernel
        count = execution.counts.get(step.function, Count())
        output_bytes = 0 if step is steps[-1] else step.target.bytes  # the logits are the caller's
        layers.append(
            LayerProfile(
                name=step.title,
                kernel=kernel.name,
                output=step.target.shape,
                macs=step.macs,
                instructions=count.instructions,
                cycles=count.cycles,
                worst_cycles=count.worst_cycles,
                flash=_flash_of(step, symbols),
                sram=output_bytes + kernel.scratch_bytes,
                others=why_not,
            )
        )
    sizes = {symbol.name: symbol.size for symbol in symbols}
    cycles_per_byte = arrival.cycles_per_byte(machine)
    return Profile(
        layers=tuple(layers),
        rest=execution.counts[NETWORK],
        cycles_per_byte=cycles_per_byte,
        arrivals=tuple(
            arrival.arrive(machine, image, baud, cycles_per_byte, logits) for baud in arrival.BAUD_RATES
        ),
        label=int(np.argmax(logits)),
        logits=tuple(logits),
        stack=execution.stack,
        stack_reserved=machine.symbols.get("stack_top", 0) - machine.symbols.get("stack_bottom", 0),
        arena=sizes.get("arena", 0),
        flash_loads=execution.flash_loads,
        fetch_stalls=execution.fetch_stalls,
    )


def check_in_renode(elf_file: Path, model: Model) -> str:
    """Compare the instructions of the board's self-test with those that Renode's execution tracer sees.

    Returns a sentence. Raises UserError if Renode is missing or executes other instructions.
    """
    machine = Machine(elf_file, records=True)
    feed = machine.symbols["board_watchdog_feed"]
    machine.set_words({machine.symbols["network_pause"]: feed | 1, _WATCHDOG: 0})  # as after the boot
    _, execution = machine.classify(reference.selftest_image(model).tobytes(), model.classes)
    functions = {machine.function_at(address) for address in execution.addresses}
    traced = renode_trace.function_at_boot(elf_file, machine.symbols[NETWORK], execution.total.instructions)
    own = [address for address in traced if machine.function_at(address) in functions]
    skipped = renode_trace.skipped(own, execution.addresses, machine.conditional_after)
    if skipped is None:
        raise UserError(
            f"Renode executed other instructions of {NETWORK} than the emulator, {len(own):,} and not "
            f"{len(execution.addresses):,}: the profile cannot be trusted until it is known why."
        )
    return (
        f"Renode's execution tracer saw the same {len(execution.addresses):,} instructions of {NETWORK} "
        f"in the self-test, one by one; between them {skipped:,} that their condition skipped, and "
        f"{len(traced) - len(own):,} of interrupts."
    )


def _flash_of(step: Step, symbols: Sequence[size.Symbol]) -> int:
    own = [
        symbol.size
        for symbol in symbols
        if symbol.memory == "flash" and symbol.name.startswith(f"{step.name}_")
    ]
    return sum(own)
