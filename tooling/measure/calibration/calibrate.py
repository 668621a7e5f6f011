"""`calibrate`: fits the compiler's cost model to the emulated Cortex-M3.

Every kernel that applies to a step of the grid is compiled as the firmware is, and measured for the whole
output and for one row. The measurements go into measured.csv, the prices into compiler/kernels/costs.py.
"""

from __future__ import annotations

import csv
import functools
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from common.files import write_atomically
from common.paths import COMPILER
from compiler import codegen, kernels, lower, schedule, target
from compiler.kernels import Kernel
from compiler.lower import Step
from compiler.schedule import Schedule
from tooling import build as builds
from tooling.measure import network_elf
from tooling.measure.calibration import fit
from tooling.measure.calibration.fit import Fit, Measurement
from tooling.measure.calibration.grid import Sample
from tooling.measure.calibration.grid import samples as grid
from tooling.measure.cortex_m3 import Machine
from tooling.tables import table

COSTS = COMPILER / "kernels" / "costs.py"
MEASURED = Path(__file__).with_name("measured.csv")


@dataclass(frozen=True)
class Call:
    """A measured call: the sample's number in the grid, the kernel, the rows of the output, the cycles."""

    sample: int
    kernel: str
    rows: int
    cycles: int


def run() -> str:
    """Calibrate all kernels and write measured.csv and costs.py. Returns a table. Raises UserError."""
    builds.build(builds.BLUEPILL)
    samples = list(grid())
    calls = list(measure(samples, range(len(samples))))
    fits = fit.fit_all(measurements(samples, calls))
    write_atomically(MEASURED, calls_text(calls).encode())
    write_atomically(COSTS, fit.costs_text(fits, network_elf.compiler_version()).encode())
    return report(fits)


def measure(samples: list[Sample], numbers: Iterable[int]) -> Iterator[Call]:
    """The calls of every kernel that applies to the samples of these numbers. Raises UserError."""
    with tempfile.TemporaryDirectory(prefix="calibrate-") as folder:
        for number in numbers:
            yield from _measure(samples[number], number, Path(folder))


def _measure(sample: Sample, number: int, folder: Path) -> Iterator[Call]:
    step = lower.steps(sample.model)[sample.step]
    for kernel in _candidates(step):
        candidates = functools.partial(_only, {step.index: kernel})
        planned = schedule.plan(sample.model, candidates=candidates)
        if planned.arena_bytes > target.room(schedule.firmware(sample.model)).arena:
            continue
        (folder / "model.h").write_text(codegen.header_text(sample.model))
        (folder / "model.c").write_text(codegen.source_text(sample.model, candidates=candidates))
        machine = Machine(network_elf.compile_network(folder))
        for rows in sorted({1, kernel.rows or 1}):
            yield Call(number, kernel.name, rows, cycles_of_call(machine, planned, sample.step, rows))


def _candidates(step: Step) -> list[Kernel]:
    """The kernels of a step that are measured: of those that differ in memory only, the largest."""
    found: dict[str, Kernel] = {}
    for kernel in kernels.candidates(step):
        found.setdefault(kernel.name, kernel)
    return list(found.values())


def _only(chosen: Mapping[int, Kernel], step: Step) -> list[Kernel]:
    """The kernel that was chosen for a step, else the reference kernel."""
    return [chosen.get(step.index) or kernels.reference(step)]


def cycles_of_call(machine: Machine, planned: Schedule, index: int, rows: int) -> int:
    """The cycles of a call that computes rows in the middle of a step's output.

    index: of the step in the schedule. Raises UserError if the call does not return.
    """
    image, logits = planned.stages[0].step.source, planned.stages[-1].step.target
    first = ((planned.stages[index].kernel.rows or 1) - rows) // 2
    generator = np.random.default_rng(index)
    pixels = generator.bytes(image.count)
    machine.fill("arena", generator.bytes(planned.arena_bytes))
    call = machine.call("network_compute", index, first, first + rows, pixels, bytearray(logits.bytes))
    return call.total.cycles


def measurements(samples: list[Sample], calls: Iterable[Call]) -> Iterator[Measurement]:
    """The calls with the pieces of work that the kernels did."""
    for call in calls:
        step = lower.steps(samples[call.sample].model)[samples[call.sample].step]
        kernel = next(kernel for kernel in _candidates(step) if kernel.name == call.kernel)
        yield Measurement(call.kernel, kernel.cost.pieces(call.rows), call.cycles)


def calls_text(calls: Iterable[Call]) -> str:
    """The text of measured.csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Call))
    writer.writerows(map(astuple, calls))
    return text.getvalue()


def committed_calls() -> list[Call]:
    """The calls in measured.csv."""
    rows = csv.DictReader(MEASURED.read_text().splitlines())
    return [Call(int(row["sample"]), row["kernel"], int(row["rows"]), int(row["cycles"])) for row in rows]


def report(fits: Iterable[Fit]) -> str:
    """A table of measured / estimated for each kernel."""
    rows: list[tuple[str, ...]] = [("kernel", "calls", "lowest", "median", "highest", "margin")]
    rows += [
        (
            found.kernel,
            str(len(found.ratios)),
            *(f"{value:.2f}" for value in np.quantile(found.ratios, [0, 0.5, 1])),
            f"{found.margin:.2f}",
        )
        for found in fits
    ]
    return f"Measured / estimated cycles of the calls of each kernel\n\n{table(rows, left=1)}"
