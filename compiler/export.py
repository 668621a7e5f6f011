"""Writes a model as C: model.h and model.c, which firmware/network compiles.

Which kernel computes a layer, and how its weights lie in flash, is the choice of fast_kernels.py. Which rows
of a layer can be computed while the image still arrives is worked out here, for firmware/network/network.c.
Activations live in one static arena, whose offsets are planned here: what is needed at the same time never
overlaps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.files import write_atomically
from compiler import fast_kernels, kernels, reference
from compiler import target as chip
from compiler.kernels import Kernel, Step, table
from compiler.model_file import Model
from data.mnist import CLASSES, COLS, ROWS

# What the firmware needs beside the model: code and constants, and code for each layer; stack, buffers and
# variables.
FIRMWARE_FLASH = 8_400
LAYER_FLASH = 1_100
FIRMWARE_SRAM = 6 * 1024

# Layers stream, compute rows in turn, only while the arena is no larger than this, or than it is anyway: all
# of the firmware's SRAM then stays within 8 KiB, which is what QEMU's chip has.
STREAMING_ARENA = 4608

# What is computed at once while bytes arrive: 2.8 ms, or 4.3 at 2 Mbaud, where the bytes' interrupts take a
# third of the time. 860 bytes arrive in that, and the receive buffer holds 1,024.
CYCLES_AHEAD = 200_000

# What is computed at once when they have: 50 ms, or 0.45 s with a dead crystal. In between the watchdog is
# fed, which waits for 1.09 s at least; where a single row takes more than 0.8 s with a dead crystal, the
# model is refused.
CYCLES_AT_ONCE = 3_600_000
CYCLES_AT_MOST = 6_400_000


@dataclass(frozen=True)
class LayerCost:
    """One row of the report."""

    layer: str
    output: tuple[int, ...]
    weight_bits: int
    weight_bytes: int
    activation_bytes: int
    macs: int
    cycles: int  # estimated, as the next
    cycles_at_once: int  # of the largest part without a pause


@dataclass(frozen=True)
class Report:
    """What a model asks of the chip, in bytes; the needs include the rest of the firmware."""

    model: str
    layers: tuple[LayerCost, ...]
    flash_available: int
    sram_needed: int
    sram_available: int
    written: tuple[Path, ...] = ()  # the files whose content changed

    @property
    def code_flash(self) -> int:
        """What is kept for code, its own and the firmware's."""
        return FIRMWARE_FLASH + LAYER_FLASH * len(self.layers)

    @property
    def flash_needed(self) -> int:
        """Code and weights."""
        return self.code_flash + sum(layer.weight_bytes for layer in self.layers)

    @property
    def fits(self) -> bool:
        """Whether the chip has room for it."""
        return self.flash_needed <= self.flash_available and self.sram_needed <= self.sram_available

    @property
    def cycles(self) -> int:
        """The estimated cycles of one image."""
        return sum(cost.cycles for cost in self.layers)

    def __str__(self) -> str:
        header = (
            "layer",
            "output",
            "weight bits",
            "weight bytes",
            "activation bytes",
            "MACs",
            "estimated cycles",
        )
        rows = [
            (
                cost.layer,
                "x".join(map(str, cost.output)),
                str(cost.weight_bits or ""),
                f"{cost.weight_bytes:,}",
                f"{cost.activation_bytes:,}",
                f"{cost.macs:,}",
                f"{cost.cycles:,}",
            )
            for cost in self.layers
        ]
        total = (
            "total",
            "",
            "",
            f"{sum(cost.weight_bytes for cost in self.layers):,}",
            f"{sum(cost.activation_bytes for cost in self.layers):,}",
            f"{sum(cost.macs for cost in self.layers):,}",
            f"{self.cycles:,}",
        )
        table = [header, *rows, total]
        widths = [max(len(row[column]) for row in table) for column in range(len(header))]
        lines = [
            "  ".join(
                cell.ljust(width) if column == 0 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in table
        ]
        return "\n".join(
            [
                *lines,
                f"flash: {self.flash_needed:,} of {self.flash_available:,} bytes, "
                f"{self.code_flash:,} of them kept for the firmware's code",
                f"SRAM: {self.sram_needed:,} of {self.sram_available:,} bytes, "
                f"{FIRMWARE_SRAM:,} of them kept for its stack and buffers",
                f"time: about {self.cycles / chip.CLOCK * 1000:.1f} ms an image "
                f"at {chip.CLOCK // 1_000_000} MHz",
            ]
        )


def export(model: Model, directory: Path) -> Report:
    """Writes directory/model.h and model.c, each only where its content changes: builds stay up to date.

    Errors: UserError where the model does not fit the chip or a file cannot be written.
    """
    report = check_fits(model)
    files = {directory / "model.h": header_text(model), directory / "model.c": source_text(model)}
    written = tuple(path for path, text in files.items() if not _holds(path, text))
    for path in written:
        write_atomically(path, files[path].encode())
    return replace(report, written=written)


def check_fits(model: Model) -> Report:
    """What the model asks of the chip. Errors: UserError where that is more than it has."""
    report = measure(model)
    if not report.fits:
        raise UserError(
            f"Model {model.name} does not fit the chip: it needs {report.flash_needed:,} bytes of flash and "
            f"{report.sram_needed:,} of SRAM, and there are {report.flash_available:,} and "
            f"{report.sram_available:,}; make its layers smaller."
        )
    for cost in report.layers:
        if cost.cycles_at_once > CYCLES_AT_MOST:
            raise UserError(
                f"Model {model.name} is too slow for the chip: layer {cost.layer} takes "
                f"{cost.cycles_at_once:,} cycles without a pause, and the watchdog allows "
                f"{CYCLES_AT_MOST:,}; make the layer smaller."
            )
    return report


def measure(model: Model) -> Report:
    """What the model asks of the chip, layer by layer, and what the chip has. Errors: UserError."""
    steps, chosen = _chosen(model)
    costs = tuple(
        LayerCost(
            layer=step.title,
            output=step.target.shape,
            weight_bits=kernel.weight_bits,
            weight_bytes=kernel.weight_bytes,
            activation_bytes=step.target.bytes,
            macs=step.macs,
            cycles=kernel.cycles,
            cycles_at_once=kernel.cycles * rows.at_once // rows.output_rows,
        )
        for step, kernel, rows in zip(steps, chosen, rows_of(steps, chosen), strict=True)
    )
    flash, sram = chip.memories()
    return Report(
        model=model.name,
        layers=costs,
        flash_available=flash.length,
        sram_needed=FIRMWARE_SRAM + plan_arena(steps, chosen, streaming(steps, chosen)).size,
        sram_available=sram.length,
    )


@dataclass(frozen=True)
class Arena:
    """Where activations lie: its size, and the offset of each step's output and scratch memory, in bytes."""

    size: int
    outputs: tuple[int, ...]
    scratch: tuple[int, ...]


def plan_arena(steps: Sequence[Step], chosen: Sequence[Kernel], streams: int) -> Arena:
    """Outputs in turn at the beginning and at the end; the image and the logits lie elsewhere.

    Scratch memory lies beside the output at the beginning, or after the input there; all is word-aligned.

    The leading layers, `streams` of them, compute rows in turn, so they are planned as if they were one, and
    what passes between them lies in its scratch memory. That of their own they share: nothing is kept there
    from one call to the next.
    """
    outputs = [_words(step.target.bytes) for step in steps[:-1]] + [0]
    scratch = [_words(kernel.scratch_bytes) for kernel in chosen]
    together = max(streams, 1)
    passed, outputs = outputs[: together - 1], outputs[together - 1 :]
    scratch = [sum(passed) + max(scratch[:together]), *scratch[together:]]

    inputs = [0, *outputs[:-1]]
    size = max(map(sum, zip(inputs, outputs, scratch, strict=True)))
    output_at = [0 if index % 2 == 0 else size - output for index, output in enumerate(outputs)]
    scratch_at = [
        output if index % 2 == 0 else source
        for index, (source, output) in enumerate(zip(inputs, outputs, strict=True))
    ]
    *passed_at, shared_at = accumulate(passed, initial=scratch_at[0])
    return Arena(size, (*passed_at, *output_at), (*[shared_at] * together, *scratch_at[1:]))


def streaming(steps: Sequence[Step], chosen: Sequence[Kernel]) -> int:
    """How many leading layers stream: compute rows in turn, while the image arrives.

    As many as have kernels that compute rows, and as the arena has room for; not the last layer, whose logits
    have to wait until the image is known to be whole.
    """
    able = 0
    while able < len(steps) - 1 and chosen[able].takes_rows:
        able += 1
    largest = max(STREAMING_ARENA, plan_arena(steps, chosen, 0).size)
    return next(count for count in range(able, -1, -1) if plan_arena(steps, chosen, count).size <= largest)


@dataclass(frozen=True)
class Rows:
    """Which rows of a layer depend on which of its input: as firmware/network/layers.h has it."""

    output_rows: int
    input_rows: int
    first_needs: int
    next_needs: int
    ahead: int
    at_once: int


def rows_of(steps: Sequence[Step], chosen: Sequence[Kernel]) -> list[Rows]:
    """The rows of each layer. One that streams needs some rows of its input, any other all of them."""
    streams = streaming(steps, chosen)
    found: list[Rows] = []
    for index, (step, kernel) in enumerate(zip(steps, chosen, strict=True)):
        output_rows = step.target.shape[1] if kernel.takes_rows else 1
        if index < streams:
            input_rows = step.needs(output_rows, axis=1)
            first_needs, next_needs = step.needs(1, axis=1), step.rows_between
        else:
            input_rows = found[-1].output_rows if found else ROWS
            first_needs, next_needs = input_rows, 1
        ahead = output_rows * CYCLES_AHEAD // kernel.cycles if step is not steps[-1] else 0
        at_once = max(1, output_rows * CYCLES_AT_ONCE // kernel.cycles)
        limits = (min(limit, output_rows) for limit in (ahead, at_once))
        found.append(Rows(output_rows, input_rows, first_needs, next_needs, *limits))
    return found


def begins_early(model: Model) -> bool:
    """Whether a part of the network is computed while the image arrives."""
    first = rows_of(*_chosen(model))[0]
    return first.ahead > 0 and first.first_needs < ROWS


def centi_scale(model: Model) -> tuple[int, int]:
    """Multiplier (31 bits) and shift that turn an integer logit into hundredths of the real one.

    hundredths = (logit * multiplier + (1 << (shift - 1))) >> shift, in 64 bits.
    Errors: UserError where the hundredths of a logit could leave 32 bits.
    """
    scale = 100 * model.logit_scale
    mantissa, exponent = math.frexp(scale)  # scale = mantissa * 2**exponent, mantissa in [0.5, 1)
    multiplier, shift = round(mantissa * 2**31), 31 - exponent
    if multiplier == 2**31:
        multiplier, shift = multiplier // 2, shift - 1
    logits = model.tensors[-1]
    if max(-logits.low, logits.high) * scale >= 2**31 or not 1 <= shift <= 62:
        raise UserError(
            f"Model {model.name} has logits of scale {model.logit_scale}, too large or too small "
            "for the board to print: train it again."
        )
    return multiplier, shift


def header_text(model: Model) -> str:
    """The text of model.h."""
    multiplier, shift = centi_scale(model)
    return f"""\
/* Generated by `invoke export` from the model {model.name}; changes here are lost. */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

#define MODEL_NAME "{model.name}"

/* CRC-32 of the network's shapes, weights and biases. */
#define MODEL_CHECKSUM 0x{model.checksum:08x}u

#define MODEL_ROWS {ROWS}
#define MODEL_COLS {COLS}
#define MODEL_CLASSES {CLASSES}
#define MODEL_LAYERS {len(kernels.steps(model))}

/*
 * Hundredths of the real logit =
 * ((int64_t)logit * MODEL_CENTI_MULTIPLIER + ((int64_t)1 << (MODEL_CENTI_SHIFT - 1))) >> MODEL_CENTI_SHIFT
 */
#define MODEL_CENTI_MULTIPLIER {multiplier}
#define MODEL_CENTI_SHIFT {shift}

/* What network_run gives for the image of the self-test. */
extern const int32_t model_selftest_logits[MODEL_CLASSES];

#endif
"""


def source_text(model: Model) -> str:
    """The text of model.c: the kernels that fast_kernels.py chose.

    Where it chose any but the specification's, those can be had by defining NETWORK_SPECIFICATION.
    """
    steps, chosen = _chosen(model)
    golden = reference.run(model, reference.selftest_image()[np.newaxis])[0]
    specified = [kernels.specification(step) for step in steps]
    network = _network(steps, chosen)
    if chosen != specified:
        network = "\n".join(
            ["#ifdef NETWORK_SPECIFICATION", _network(steps, specified), "#else", network, "#endif", ""]
        )
    return "\n".join(
        [
            f"/* Generated by `invoke export` from the model {model.name}; changes here are lost. */",
            '#include "layers.h"',
            "",
            table("const int32_t", "model_selftest_logits", golden),
            network,
        ]
    )


def _network(steps: Sequence[Step], chosen: Sequence[Kernel]) -> str:
    """The constants, a function for each step, and what network.c knows of them.

    The functions have names of their own for `invoke profile`, which tells the layers apart by them.
    """
    headers = sorted({kernel.header for kernel in chosen})
    plan = plan_arena(steps, chosen, streaming(steps, chosen))
    types = {"first_row": "int ", "end_row": "int ", "image": "const uint8_t *", "logits": "int32_t *"}
    source = "image"
    functions, calls, unused = [], [], set(types)
    for step, kernel, output, scratch in zip(steps, chosen, plan.outputs, plan.scratch, strict=True):
        target = "logits" if step is steps[-1] else f"arena.bytes + {output}"
        call = kernel.call.format(source=source, target=target, scratch=f"arena.words + {scratch // 4}")
        used = {source, target} | ({"first_row", "end_row"} if kernel.takes_rows else set())
        names = [name for name in types if name in used]
        parameters = ", ".join(f"{types[name]}{name}" for name in names) or "void"
        functions += [
            f"static __attribute__((noinline)) void {step.function}({parameters})",
            "{",
            *(f"    {line}" for line in call.splitlines()),
            "}",
            "",
        ]
        calls += [
            f"    case {len(calls) // 3}:",
            f"        {step.function}({', '.join(names)});",
            "        break;",
        ]
        source = target
        unused -= used
    arena = f"static union {{ uint8_t bytes[{plan.size}]; uint32_t words[{plan.size // 4}]; }} arena;\n"
    return "\n".join(
        [
            *(f'#include "{header}"' for header in headers),
            "",
            *(kernel.tables for kernel in chosen),
            *([arena] if plan.size else []),
            *functions,
            "const struct network_layer network_layers[MODEL_LAYERS] = {",
            *(f"    {kernels.struct_fields(**asdict(rows))}," for rows in rows_of(steps, chosen)),
            "};",
            "",
            "void network_compute(",
            "    int layer, int first_row, int end_row, const uint8_t *image, int32_t *logits)",
            "{",
            *(f"    (void){name};" for name in sorted(unused)),
            "    switch (layer) {",
            *calls,
            "    }",
            "}",
            "",
        ]
    )


def _chosen(model: Model) -> tuple[list[Step], list[Kernel]]:
    """The steps of a model, and the kernel of each. Errors: UserError."""
    steps = kernels.steps(model)
    return steps, [fast_kernels.choose(step) for step in steps]


def _words(size: int) -> int:
    """A size in bytes, rounded up to whole words."""
    return -(-size // 4) * 4


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False
