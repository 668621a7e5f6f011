"""When each step runs and where its data lies.

Leading steps compute their rows while the image still arrives ("stream"). Each step runs in parts that are
short enough for the receive buffer and for the watchdog. All activations share one static arena.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from compiler import kernels, lower, target
from compiler.kernels import Kernel
from compiler.kernels.choice import choose, whole_words
from compiler.lower import Step
from compiler.network import Model

# The limits below are compared with Cost.at_most(), the estimate with its margin. They leave a reserve to the
# chip's limits, as the cycle model is not the chip: see tests/firmware/network/test_time_limits.py.

# The longest part while bytes arrive: 3.2 ms. At 2 Mbaud 645 bytes arrive in that, and the receive buffer
# holds 1,020.
CYCLES_WHILE_RECEIVING = 232_000

# The longest part after the last byte, unless a single row takes longer: 50 ms, or 0.45 s if the crystal is
# dead. The watchdog is fed between parts, and waits at least 1.09 s. A model whose single row takes more than
# the limit, 0.8 s with a dead crystal, is refused.
CYCLES_PER_CALL = 3_600_000
CYCLES_PER_CALL_LIMIT = 6_400_000


@dataclass(frozen=True)
class Arena:
    """The memory of the activations: its size, and each step's output and scratch memory in it, in bytes."""

    size: int
    outputs: tuple[int, ...]
    scratch: tuple[int, ...]


@dataclass(frozen=True)
class Rows:
    """Which rows of a step need which of its input: struct network_layer of firmware/network/layers.h."""

    output_rows: int
    input_rows: int
    first_needs: int
    next_needs: int
    max_rows_while_receiving: int
    max_rows_per_call: int


@dataclass(frozen=True)
class Stage:
    """A step, its kernel, its rows, and the offsets in the arena of its output and scratch memory."""

    step: Step
    kernel: Kernel
    rows: Rows
    output: int
    scratch: int

    @property
    def longest_call(self) -> int:
        """The cycles that its longest part does not exceed."""
        return self.kernel.cost.at_most(self.rows.max_rows_per_call)


@dataclass(frozen=True)
class Schedule:
    """The stages of a network, in order, and the size of their arena in bytes."""

    stages: tuple[Stage, ...]
    arena_bytes: int

    @property
    def starts_while_receiving(self) -> bool:
        """Whether a part of the network is computed while the image arrives."""
        first = self.stages[0].rows
        return first.max_rows_while_receiving > 0 and first.first_needs < first.input_rows


def plan(
    model: Model,
    board: str = target.DEFAULT_BOARD,
    candidates: Callable[[Step], Sequence[Kernel]] = kernels.candidates,
) -> Schedule:
    """The schedule of a model on a board: the fastest kernels that its chip has room for.

    candidates: the kernels to choose from for each step. Raises UserError if the chip's memory layout cannot
    be read.
    """
    room = target.room(firmware(model), board)
    steps = lower.steps(model)
    chosen = choose(steps, [candidates(step) for step in steps], room)
    streaming = streaming_steps(steps, chosen, room.arena)
    arena = plan_arena(steps, chosen, streaming)
    rows = plan_rows(steps, chosen, streaming)
    parts = zip(steps, chosen, rows, arena.outputs, arena.scratch, strict=True)
    return Schedule(tuple(Stage(*part) for part in parts), arena.size)


def firmware(model: Model) -> target.Firmware:
    """What the firmware around a model takes."""
    return target.firmware(model.input.count, model.class_names)


def streaming_steps(steps: Sequence[Step], chosen: Sequence[Kernel], arena_limit: int) -> int:
    """How many leading steps stream: those whose kernels compute rows, as far as the arena has room.

    Not the last step: its logits must wait until the whole image has passed its checksum.
    """
    able = 0
    while able < len(steps) - 1 and chosen[able].rows:
        able += 1
    largest = max(arena_limit, plan_arena(steps, chosen, 0).size)
    return next(count for count in range(able, -1, -1) if plan_arena(steps, chosen, count).size <= largest)


def plan_arena(steps: Sequence[Step], chosen: Sequence[Kernel], streaming: int) -> Arena:
    """Place outputs alternately at the start and at the end of the arena; image and logits lie elsewhere.

    Scratch memory follows the output at the start, or the input there. Everything is word-aligned.

    The leading steps, `streaming` of them, alternate while the image arrives, so they are placed as one step,
    and the outputs between them are part of its scratch memory. They share the rest of it: no kernel keeps
    anything there between calls.
    """
    outputs = [whole_words(step.target.bytes) for step in steps[:-1]] + [0]
    scratch = [whole_words(kernel.scratch_bytes) for kernel in chosen]
    together = max(streaming, 1)
    between, outputs = outputs[: together - 1], outputs[together - 1 :]
    scratch = [sum(between) + max(scratch[:together]), *scratch[together:]]

    inputs = [0, *outputs[:-1]]
    size = max(map(sum, zip(inputs, outputs, scratch, strict=True)))
    output_at = [0 if index % 2 == 0 else size - output for index, output in enumerate(outputs)]
    scratch_at = [
        output if index % 2 == 0 else source
        for index, (source, output) in enumerate(zip(inputs, outputs, strict=True))
    ]
    *between_at, shared_at = accumulate(between, initial=scratch_at[0])
    return Arena(size, (*between_at, *output_at), (*[shared_at] * together, *scratch_at[1:]))


def plan_rows(steps: Sequence[Step], chosen: Sequence[Kernel], streaming: int) -> list[Rows]:
    """The rows of each step. A streaming step waits for some rows of its input, any other for all of them."""
    found: list[Rows] = []
    for index, (step, kernel) in enumerate(zip(steps, chosen, strict=True)):
        output_rows = kernel.rows or 1
        if index < streaming:
            input_rows = step.needs(output_rows, axis=1)
            first_needs, next_needs = step.needs(1, axis=1), min(step.row_stride, step.source.shape[1])
        else:
            input_rows = found[-1].output_rows if found else step.source.shape[1]
            first_needs, next_needs = input_rows, 1
        while_receiving = 0 if step is steps[-1] else _rows_within(CYCLES_WHILE_RECEIVING, kernel)
        per_call = max(1, _rows_within(CYCLES_PER_CALL, kernel))
        found.append(Rows(output_rows, input_rows, first_needs, next_needs, while_receiving, per_call))
    return found


def _rows_within(limit: int, kernel: Kernel) -> int:
    """How many rows a call can compute without exceeding this number of cycles."""
    return next(
        rows for rows in range(kernel.rows or 1, -1, -1) if rows == 0 or kernel.cost.at_most(rows) <= limit
    )
