"""The specification kernels: the readable one for each kind of layer, and how its weights lie in flash.

fast_kernels.py has those that take some layers faster; export.py plans the memory and writes the calls.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

import numpy as np

from compiler.model_file import (
    IMAGE,
    AvgPool2d,
    Conv2d,
    Layer,
    Linear,
    MaxPool2d,
    Model,
    Pool,
    Tensor,
    Weighted,
)

# Cycles that the specification kernels take, by bits of the weights where that matters; estimated by running
# what GCC makes of them at -O2, and rounded.
_CYCLES_A_LINEAR_PRODUCT = {8: 13, 4: 22, 2: 22}
_CYCLES_A_CONV2D_PRODUCT = {8: 20, 4: 27, 2: 27}
_CYCLES_A_CHECK = 10  # more where a product has to ask whether it lies in the padding
_CYCLES_AN_OUTPUT = 20
_CYCLES_A_POOLED_PIXEL = 18

_INDENT = "    "


@dataclass(frozen=True)
class Step:
    """What one kernel computes: a layer, and the max pooling after a convolution with it.

    index: the layer's place in the model. source, target: what comes in and goes out.
    """

    index: int
    layer: Layer
    source: Tensor
    target: Tensor
    pool: MaxPool2d | None = None

    @property
    def name(self) -> str:
        """What its constants' names in C begin with."""
        return f"layer{self.index}"

    @property
    def function(self) -> str:
        """The function that computes it in C."""
        return f"{self.name}_{self.layer.kind}"

    @property
    def title(self) -> str:
        """The step as the table of layers names it."""
        title = f"{self.index} {_title(self.layer)}"
        return f"{title} + {_title(self.pool)}" if self.pool else title

    @property
    def rows_between(self) -> int:
        """How many more rows of the input each further row of the output needs."""
        layer = self.layer
        assert isinstance(layer, Conv2d | Pool)
        return layer.stride * (self.pool.stride if self.pool else 1)

    @property
    def macs(self) -> int:
        """Products to be added up, the padding's zeros among them; positions that no pool uses are not."""
        if not isinstance(self.layer, Weighted):
            return 0
        positions = math.prod(self.target.shape[1:]) * (self.pool.size**2 if self.pool else 1)
        return positions * self.layer.weights.size

    def needs(self, count: int, axis: int) -> int:
        """How many rows (axis 1) or columns (axis 2) of the input the first `count` of the output depend on.

        Not for linear layers, which depend on everything.
        """
        layer, pool = self.layer, self.pool
        if isinstance(layer, Pool):
            return (count - 1) * layer.stride + layer.size
        assert isinstance(layer, Conv2d)
        positions = (count - 1) * pool.stride + pool.size if pool else count
        reach = (positions - 1) * layer.stride - layer.padding + layer.weights.shape[1 + axis]
        return min(reach, self.source.shape[axis])


@dataclass(frozen=True)
class Kernel:
    """What one step becomes in C."""

    header: str  # declares the kernel's function
    call: str  # the statement, with {source}, {target} (uint8_t *) and {scratch} (uint32_t *)
    cycles: int  # estimated
    tables: str = ""  # the layer's constants
    weight_bits: int = 0
    weight_bytes: int = 0  # all of the constants, as they lie in flash
    scratch_bytes: int = 0  # memory that the kernel needs beside its input and output; not kept
    takes_rows: bool = False  # it computes the output's rows from first_row to end_row - 1, in the call


def steps(model: Model) -> list[Step]:
    """The model's layers; max pooling whose windows do not overlap joins the convolution before it.

    What no window of the next layer reads, the last rows and columns, is not computed at all.
    """
    found: list[Step] = []
    source = IMAGE
    for index, (layer, target) in enumerate(zip(model.layers, model.tensors, strict=True)):
        before = found[-1] if found else None
        joins = isinstance(layer, MaxPool2d) and layer.stride >= layer.size
        if joins and before and isinstance(before.layer, Conv2d) and before.pool is None:
            found[-1] = Step(before.index, before.layer, before.source, target, layer)
        else:
            found.append(Step(index, layer, source, target))
        source = target
    return _trimmed(found)


def _trimmed(found: Sequence[Step]) -> list[Step]:
    """The steps without the rows and columns that the next one does not read; the image stays whole."""
    trimmed: list[Step] = []
    target = found[-1].target
    for step in reversed(found):
        step = replace(step, target=target)
        if len(target.shape) == 3 and step.source is not IMAGE:
            sides = (step.needs(target.shape[axis], axis) for axis in (1, 2))
            step = replace(step, source=replace(step.source, shape=(step.source.shape[0], *sides)))
        trimmed.insert(0, step)
        target = step.source
    return trimmed


def specification(step: Step) -> Kernel:
    """The readable kernel for this step."""
    return _specification(step.layer, step)


@singledispatch
def _specification(layer: Layer, step: Step) -> Kernel:
    raise NotImplementedError(layer.kind)


@_specification.register
def _linear(layer: Linear, step: Step) -> Kernel:
    return weighted_kernel(
        layer,
        step,
        header="linear.h",
        function="linear" if layer.requantisation else "linear_logits",
        constants={"weights": pack(layer.weights, layer.weight_bits), "bias": layer.bias},
        cycles=step.macs * _CYCLES_A_LINEAR_PRODUCT[layer.weight_bits]
        + step.target.count * _CYCLES_AN_OUTPUT,
    )


@_specification.register
def _conv2d(layer: Conv2d, step: Step) -> Kernel:
    a_product = _CYCLES_A_CONV2D_PRODUCT[layer.weight_bits] + (_CYCLES_A_CHECK if layer.padding else 0)
    return weighted_kernel(
        layer,
        step,
        header="conv2d.h",
        function="conv2d",
        constants={"weights": pack(layer.weights, layer.weight_bits), "bias": layer.bias},
        cycles=step.macs * a_product + step.target.count * _CYCLES_AN_OUTPUT,
    )


@_specification.register(MaxPool2d)
@_specification.register(AvgPool2d)
def _pool2d(layer: Pool, step: Step) -> Kernel:
    channels, rows, columns = step.source.shape
    _, output_rows, output_columns = step.target.shape
    shape = _struct(
        "pool2d",
        channels=channels,
        rows=rows,
        columns=columns,
        output_rows=output_rows,
        output_columns=output_columns,
        size=layer.size,
        stride=layer.stride,
    )
    pixels = step.target.count * layer.size**2
    return Kernel(
        header=f"{layer.kind}.h",
        call=_call(layer.kind, [shape], ["{source}", "{target}"]),
        cycles=pixels * _CYCLES_A_POOLED_PIXEL + step.target.count * _CYCLES_AN_OUTPUT,
    )


def weighted_kernel(
    layer: Weighted,
    step: Step,
    *,
    header: str,
    function: str,
    constants: Mapping[str, np.ndarray],
    cycles: int,
    scratch_bytes: int = 0,
) -> Kernel:
    """A kernel of a layer with weights: function(sizes, rule, rows, source, constants, scratch, target).

    The requantisation's rule and multipliers, and the scratch memory, are arguments where there are such; the
    rows, first_row and end_row, are a convolution's.
    """
    structs = [_sizes(layer, step)]
    rule = layer.requantisation
    if rule:
        structs.append(_struct("requantisation", shift=rule.shift, maximum=rule.maximum))
        constants = {**constants, "multiplier": rule.multiplier}
    names = [f"{step.name}_{name}" for name in constants]
    takes_rows = isinstance(layer, Conv2d)
    rows = ["first_row", "end_row"] if takes_rows else []
    scratch = ["{scratch}"] if scratch_bytes else []
    return Kernel(
        header=header,
        call=_call(function, structs, [*rows, "{source}", *names, *scratch, "{target}"]),
        cycles=cycles,
        tables=constant_tables(step.name, constants),
        weight_bits=layer.weight_bits,
        weight_bytes=sum(array.nbytes for array in constants.values()),
        scratch_bytes=scratch_bytes,
        takes_rows=takes_rows,
    )


@singledispatch
def _sizes(layer: Weighted, step: Step) -> str:
    """The struct that tells the kernels of a layer its sizes."""
    raise NotImplementedError(layer.kind)


@_sizes.register
def _linear_sizes(layer: Linear, step: Step) -> str:
    outputs, inputs = layer.weights.shape
    return _struct(
        "linear",
        inputs=inputs,
        outputs=outputs,
        input_shift=layer.input_shift,
        weight_bits=layer.weight_bits,
    )


@_sizes.register
def _conv2d_sizes(layer: Conv2d, step: Step) -> str:
    channels, rows, columns = step.source.shape
    outputs, output_rows, output_columns = step.target.shape
    kernel_rows, kernel_columns = layer.weights.shape[2:]
    return _struct(
        "conv2d",
        channels=channels,
        rows=rows,
        columns=columns,
        outputs=outputs,
        output_rows=output_rows,
        output_columns=output_columns,
        kernel_rows=kernel_rows,
        kernel_columns=kernel_columns,
        stride=layer.stride,
        padding=layer.padding,
        groups=layer.groups,
        pool=step.pool.size if step.pool else 1,
        pool_stride=step.pool.stride if step.pool else 1,
        input_shift=layer.input_shift,
        weight_bits=layer.weight_bits,
    )


def pack(weights: np.ndarray, bits: int) -> np.ndarray:
    """Weights as they lie in flash, int8: 8 / bits of them to a byte, the first in the low bits.

    Shape (outputs, ...) stays where a byte holds one weight; else all run on, padded with zeros at the end.
    """
    if bits == 8:
        return weights
    each = 8 // bits
    flat = np.zeros(math.ceil(weights.size / each) * each, np.uint8)
    flat[: weights.size] = weights.reshape(-1).view(np.uint8) & ((1 << bits) - 1)
    shifts = np.arange(each, dtype=np.uint8) * np.uint8(bits)
    return np.bitwise_or.reduce(flat.reshape(-1, each) << shifts, axis=1).view(np.int8)


def constant_tables(name: str, constants: Mapping[str, np.ndarray]) -> str:
    """C arrays name_KEY for each of the constants, of their own integer types."""
    return "\n".join(
        table(f"static const {array.dtype}_t", f"{name}_{key}", array) for key, array in constants.items()
    )


def table(declaration: str, name: str, values: np.ndarray) -> str:
    """A C array with wrapped lines; each row of a matrix begins on a new line."""
    rows = values.reshape(1, -1) if values.ndim == 1 else values.reshape(len(values), -1)
    body = "\n".join(_wrapped(", ".join(map(str, row.tolist())) + ",") for row in rows)
    return f"{declaration} {name}[{values.size}] = {{\n{body}\n}};\n"


def _call(function: str, structs: Sequence[str], arguments: Sequence[str]) -> str:
    """The statement that calls a kernel: each struct begins a line, the other arguments share the last."""
    lines = [*structs, ", ".join(arguments) + ");"]
    return f"{function}(\n" + ",\n".join(map(_wrapped, lines))


def _struct(name: str, **fields: Any) -> str:
    """A compound literal of the struct that tells a kernel its sizes; in a call its braces are doubled."""
    return f"(struct {name}){{{struct_fields(**fields)}}}"


def struct_fields(**fields: Any) -> str:
    """The initialiser of a struct."""
    values = ", ".join(f".{field} = {value}" for field, value in fields.items())
    return f"{{{values}}}"


def _title(layer: Layer) -> str:
    """A layer with its window: conv2d 3x3."""
    if isinstance(layer, Conv2d):
        rows, columns = layer.weights.shape[2:]
        return f"{layer.kind} {rows}x{columns}"
    return f"{layer.kind} {layer.size}x{layer.size}" if isinstance(layer, Pool) else layer.kind


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 100, initial_indent=_INDENT, subsequent_indent=_INDENT)
