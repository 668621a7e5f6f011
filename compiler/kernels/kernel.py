"""What a kernel is to the compiler: its C header and call, its constants, and its cost."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from compiler.kernels.costs import CYCLES, MARGINS
from compiler.lower import Step
from compiler.network import Conv2d, Layer, Weighted

_INDENT = "    "


@dataclass(frozen=True)
class Cost:
    """The estimated cycles of a kernel's calls, as the sum of pieces of work that costs.py prices.

    kernel: the name in costs.py. per_call: how often each piece of work is done in every call. per_row: how
    often for each row of the output. `invoke calibrate` finds the prices; a piece without one costs nothing.
    """

    kernel: str
    per_call: Mapping[str, float]
    per_row: Mapping[str, float]

    def pieces(self, rows: int) -> dict[str, float]:
        """How often each piece of work is done in a call for this number of rows."""
        names = dict.fromkeys([*self.per_call, *self.per_row])
        return {name: self.per_call.get(name, 0) + rows * self.per_row.get(name, 0) for name in names}

    def cycles(self, rows: int) -> int:
        """The estimated cycles of a call for this number of rows."""
        prices = CYCLES.get(self.kernel, {})
        return round(sum(prices.get(name, 0) * count for name, count in self.pieces(rows).items()))

    def at_most(self, rows: int) -> int:
        """The cycles that such a call does not exceed: the estimate and its margin."""
        return math.ceil(MARGINS.get(self.kernel, 1) * self.cycles(rows))


@dataclass(frozen=True, eq=False)
class Kernel:
    """A kernel that computes one step.

    header: the C header that declares its function, relative to firmware/network.
    call: the C statement, with {source}, {target} (uint8_t *, or int32_t * for logits) and {scratch}
      (uint32_t *) left open.
    constants: arrays as they lie in flash; in C each is called layerN_KEY.
    rows: of the output, if the call computes those from first_row to end_row - 1; None if it computes all.
    scratch_bytes: memory beside input and output; nothing is kept there between calls.
    code_bytes: the flash that its code takes, from compiled examples.
    """

    header: str
    call: str
    cost: Cost
    constants: Mapping[str, np.ndarray] = field(default_factory=dict)
    rows: int | None = None
    weight_bits: int = 0
    scratch_bytes: int = 0
    code_bytes: int = 1_100

    @property
    def name(self) -> str:
        """Its name in tables."""
        return PurePosixPath(self.header).stem

    @property
    def cycles(self) -> int:
        """The estimated cycles of the whole output in one call."""
        return self.cost.cycles(self.rows or 1)

    @property
    def constant_bytes(self) -> int:
        """The flash that its constants take."""
        return sum(array.nbytes for array in self.constants.values())

    @property
    def flash_bytes(self) -> int:
        """The flash that its code and constants take."""
        return self.code_bytes + self.constant_bytes


class DoesNotApply(Exception):
    """A kernel cannot compute a step: a clause that says why."""


# The kernels for a step, several if they differ in time and memory. Raises DoesNotApply before the first.
Match = Callable[[Step], Iterable[Kernel]]

_REFERENCE: dict[str, Callable[[Step], Kernel]] = {}
_FAST: dict[str, list[Match]] = {}


def reference_kernel(
    *layers: type[Layer],
) -> Callable[[Callable[[Step], Kernel]], Callable[[Step], Kernel]]:
    """Register the readable kernel of a kind of layer, which applies to every step of that kind."""

    def register(kernel_of: Callable[[Step], Kernel]) -> Callable[[Step], Kernel]:
        _REFERENCE.update({layer.kind: kernel_of for layer in layers})
        return kernel_of

    return register


def fast_kernel(*layers: type[Layer]) -> Callable[[Match], Match]:
    """Register kernels that compute the reference kernel's bits in fewer cycles, for some steps."""

    def register(match: Match) -> Match:
        for layer in layers:
            _FAST.setdefault(layer.kind, []).append(match)
        return match

    return register


def reference(step: Step) -> Kernel:
    """The readable kernel for a step."""
    return _REFERENCE[step.layer.kind](step)


def candidates(step: Step) -> list[Kernel]:
    """All kernels that apply to a step, the reference kernel first."""
    found = [reference(step)]
    for match in _FAST.get(step.layer.kind, ()):
        with suppress(DoesNotApply):
            found += match(step)
    return found


def refusals(step: Step) -> dict[str, str]:
    """Why fast kernels do not apply to a step, by the name of the kernel."""
    found: dict[str, str] = {}
    for match in _FAST.get(step.layer.kind, ()):
        try:
            list(match(step))
        except DoesNotApply as reason:
            found[match.__name__] = str(reason)
    return found


def weighted(
    step: Step,
    *,
    header: str,
    function: str,
    sizes: str,
    constants: Mapping[str, np.ndarray],
    cost: Cost,
    code_bytes: int,
    scratch_bytes: int = 0,
) -> Kernel:
    """A kernel of a layer with weights: function(sizes, rule, rows, source, constants, scratch, target).

    sizes: the C struct of the layer's sizes. The requantisation's rule and multipliers, the rows of a
    convolution (first_row and end_row), and the scratch memory are arguments only if the step has them.
    """
    layer = step.layer
    assert isinstance(layer, Weighted)
    structs = [sizes]
    rule = layer.requantisation
    if rule:
        structs.append(struct("requantisation", shift=rule.shift, maximum=rule.maximum))
        constants = {**constants, "multiplier": rule.multiplier}
    rows = step.target.shape[1] if isinstance(layer, Conv2d) else None
    arguments = [
        *(["first_row", "end_row"] if rows else []),
        "{source}",
        *(f"{step.name}_{name}" for name in constants),
        *(["{scratch}"] if scratch_bytes else []),
        "{target}",
    ]
    return Kernel(
        header=header,
        call=call(function, structs, arguments),
        cost=cost,
        constants=constants,
        rows=rows,
        weight_bits=layer.weight_bits,
        scratch_bytes=scratch_bytes,
        code_bytes=code_bytes,
    )


def pack_bits(weights: np.ndarray, bits: int) -> np.ndarray:
    """Weights for weight_at() of weights.h, int8: 8 / bits of them to a byte, the first in the low bits.

    Weights of 8 bits keep their shape (outputs, ...); others are flat, with zeros added to the last byte.
    """
    if bits == 8:
        return weights
    each = 8 // bits
    flat = np.zeros(math.ceil(weights.size / each) * each, np.uint8)
    flat[: weights.size] = weights.reshape(-1).view(np.uint8) & ((1 << bits) - 1)
    shifts = np.arange(each, dtype=np.uint8) * np.uint8(bits)
    return np.bitwise_or.reduce(flat.reshape(-1, each) << shifts, axis=1).view(np.int8)


def call(function: str, structs: Sequence[str], arguments: Sequence[str]) -> str:
    """The C statement that calls a kernel: one line for each struct, and one for the other arguments."""
    # Braces that belong to C are doubled, as the statement is a format string.
    doubled = [text.replace("{", "{{").replace("}", "}}") for text in structs]
    lines = [*doubled, ", ".join(arguments) + ");"]
    return f"{function}(\n" + ",\n".join(map(wrapped, lines))


def struct(name: str, **fields: Any) -> str:
    """A C compound literal of a struct."""
    return f"(struct {name}){struct_fields(**fields)}"


def struct_fields(**fields: Any) -> str:
    """A C initialiser of a struct."""
    values = ", ".join(f".{name} = {value}" for name, value in fields.items())
    return f"{{{values}}}"


def wrapped(text: str) -> str:
    """Indented lines of at most 100 characters."""
    return textwrap.fill(text, 100, initial_indent=_INDENT, subsequent_indent=_INDENT)
