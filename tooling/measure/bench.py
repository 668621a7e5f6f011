"""`bench`: each layer by its reference kernel and by its fast one, and one layer in floating point.

All of them run on the simulated chip, compiled as the firmware is, on the same image.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.paths import BUILD, model_files, shown
from compiler import codegen, reference, schedule
from compiler import model_file as files
from compiler.network import Linear, Model
from data import sample, sources
from data.examples import Examples
from tooling import build as builds
from tooling.measure import network_elf
from tooling.measure.cortex_m3 import Count, Machine, milliseconds
from tooling.measure.timing import ASSUMPTIONS
from tooling.tables import ratio, table

_FOLDER = BUILD / "bench"
_FLOAT_FUNCTION = "network_run_float"


@dataclass(frozen=True)
class LayerBench:
    """One layer's cycles: by the reference kernel, by the fast kernel in C alone, and as it is."""

    name: str
    kernel: str
    macs: int
    reference: int
    portable: int
    fast: int


@dataclass(frozen=True)
class Bench:
    """One network's layers, and the float layer's count where the network is that layer alone."""

    model: str
    layers: tuple[LayerBench, ...]
    floating_point: Count | None


def run(index: int = 0, names: Sequence[str] = (), *, all_images: bool = False) -> str:
    """The tables for these models, names in models/ or files; by default for all of models/.

    index: of the image in the sample beside each model file. all_images: also whether the fast kernels
    compute the reference's logits of all test images, or of the sample if they are not there.
    Raises UserError.
    """
    paths = [builds.model_file(name) for name in names] or model_files()
    samples = [sample.read(path) for path in paths]
    for examples in samples:
        examples.require(index)
    builds.build(builds.BLUEPILL)
    parts = []
    for path, examples in zip(paths, samples, strict=True):
        model = files.load(path)
        parts.append(_report(measure(model, examples.images[index])))
        if all_images:
            parts.append(_compare_all(model, _test_images(model, examples)))
    return "\n\n".join([*parts, ASSUMPTIONS])


def measure(model: Model, image: np.ndarray) -> Bench:
    """Cycles of each layer of a model on an image, uint8. Raises UserError if bits differ."""
    folder = _FOLDER / model.name
    folder.mkdir(parents=True, exist_ok=True)
    codegen.export(model, folder)
    stages = schedule.plan(model).stages
    steps = [stage.step for stage in stages]
    expected = reference.run(model, image[np.newaxis])[0].tolist()
    counts = []
    for definition in (network_elf.REFERENCE_KERNELS, network_elf.PORTABLE_KERNELS, ""):
        elf = network_elf.compile_network(folder, definition)
        machine = Machine(elf, [step.function for step in steps])
        logits, execution = machine.classify(image.tobytes(), model.classes)
        if logits != expected:
            raise UserError(f"{shown(elf)} computes other logits than the reference: its kernels are wrong.")
        counts.append(execution.counts)
    layers = [
        LayerBench(
            stage.step.title,
            stage.kernel.name,
            stage.step.macs,
            *(count[stage.step.function].cycles for count in counts),
        )
        for stage in stages
    ]
    first = model.layers[0]
    alone = first if len(model.layers) == 1 and isinstance(first, Linear) else None
    floating_point = _floating_point(alone, model.logit_scale, image, folder) if alone else None
    return Bench(model.name, tuple(layers), floating_point)


def _test_images(model: Model, examples: Examples) -> np.ndarray:
    """All test images of the model's source if they are on this computer, else those of its sample."""
    described = model.metadata.get("data")
    source = described.get("source") if isinstance(described, dict) else "mnist"
    with suppress(UserError, ImportError):
        found = sources.load_test(str(source)).images
        if found.shape[1:] == model.input.shape:
            return found
    return examples.images


def _compare_all(model: Model, images: np.ndarray) -> str:
    """A sentence: how many images' logits the fast kernels compute otherwise than the reference."""
    machine = Machine(_FOLDER / model.name / "model.elf", counts=False)
    logits = np.array([machine.classify(image.tobytes(), model.classes)[0] for image in images])
    differing = int((logits != reference.run(model, images)).any(axis=1).sum())
    return (
        f"On {differing:,} of {len(images):,} images, the fast kernels' logits differ from the reference's."
    )


def _floating_point(layer: Linear, scale: float, image: np.ndarray, folder: Path) -> Count:
    """What the same layer takes with float weights: those of the integers, scaled."""
    weights = (layer.weights * (255 * scale)).astype(np.float32)
    bias = (layer.bias * scale).astype(np.float32)
    source = folder / "float.c"
    outputs, inputs = weights.shape
    source.write_text(
        f"""\
#include "reference/linear_float.h"

static const float weights[{weights.size}] = {{{_floats(weights)}}};
static const float bias[{bias.size}] = {{{_floats(bias)}}};
static float scratch[{inputs}];

void {_FLOAT_FUNCTION}(const uint8_t *image, float *logits);

void {_FLOAT_FUNCTION}(const uint8_t *image, float *logits)
{{
    linear_float({inputs}, {outputs}, image, weights, bias, scratch, logits);
}}
"""
    )
    logits = bytearray(4 * outputs)
    elf = network_elf.compile_sources([source], folder / "float.elf", _FLOAT_FUNCTION)
    execution = Machine(elf).call(_FLOAT_FUNCTION, image.tobytes(), logits)
    found = np.array(struct.unpack(f"<{outputs}f", logits))
    expected = weights.astype(np.float64) @ (image.reshape(-1) / 255) + bias
    if not np.allclose(found, expected, rtol=1e-3, atol=1e-3):
        raise UserError(
            f"{shown(source)} computes wrong logits: firmware/network/reference/linear_float.h is wrong."
        )
    return execution.total


def _report(bench: Bench) -> str:
    header = ("layer", "kernel", "MACs", "reference", "fast, C alone", "fast", "cycles/MAC", "ratio")
    rows = [
        (
            layer.name,
            layer.kernel,
            f"{layer.macs:,}",
            f"{layer.reference:,}",
            f"{layer.portable:,}",
            f"{layer.fast:,}",
            ratio(layer.fast, layer.macs),
            ratio(layer.reference, layer.fast),
        )
        for layer in bench.layers
    ]
    macs, readable, portable, fast = (
        sum(getattr(layer, field) for layer in bench.layers)
        for field in ("macs", "reference", "portable", "fast")
    )
    total = ("total", "", f"{macs:,}", f"{readable:,}", f"{portable:,}", f"{fast:,}")
    rows.append((*total, ratio(fast, macs), ratio(readable, fast)))
    lines = [f"Model {bench.model}, cycles", "", table([header, *rows], left=2)]
    if bench.floating_point:
        cycles = bench.floating_point.cycles
        lines += [
            "",
            f"The same layer in floating point: {cycles:,} cycles ({bench.floating_point.instructions:,} "
            f"instructions, {milliseconds(cycles)}), {ratio(cycles, macs)} cycles/MAC, "
            f"{ratio(cycles, fast)} times the fast kernel",
        ]
    return "\n".join(lines)


def _floats(values: np.ndarray) -> str:
    return ", ".join(f"{value:.9e}f" for value in values.reshape(-1).tolist())
