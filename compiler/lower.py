"""From layers to steps: each step is what one kernel computes.

Max pooling joins the convolution before it, and rows and columns that no later step reads are not computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from compiler.network import Conv2d, Layer, MaxPool2d, Model, Tensor, Weighted


@dataclass(frozen=True)
class Step:
    """A layer, with the max pooling that joins it.

    index: the layer's place in the model. source, target: its input and output.
    """

    index: int
    layer: Layer
    source: Tensor
    target: Tensor
    pool: MaxPool2d | None = None

    @property
    def name(self) -> str:
        """The prefix of its constants' names in C."""
        return f"layer{self.index}"

    @property
    def function(self) -> str:
        """The name of its function in C."""
        return f"{self.name}_{self.layer.kind}"

    @property
    def title(self) -> str:
        """Its name in tables: "0 conv2d 3x3 + maxpool2d 2x2"."""
        title = f"{self.index} {_title(self.layer)}"
        return f"{title} + {_title(self.pool)}" if self.pool else title

    @property
    def macs(self) -> int:
        """Multiply-accumulates: the padding's zeros count, positions that no pooling reads do not."""
        if not isinstance(self.layer, Weighted):
            return 0
        positions = math.prod(self.target.shape[1:]) * (self.pool.size**2 if self.pool else 1)
        return positions * self.layer.weights.size

    @property
    def row_stride(self) -> int:
        """Rows of the input from one row of the output to the next; only for layers with a window."""
        return self.layer.stride * (self.pool.stride if self.pool else 1)

    def needs(self, count: int, axis: int) -> int:
        """How many rows (axis 1) or columns (axis 2) of the input the first `count` of the output need."""
        window, padding = self.layer.window, self.layer.padding
        if window is None:
            return self.source.shape[axis]
        positions = (count - 1) * self.pool.stride + self.pool.size if self.pool else count
        reach = (positions - 1) * self.layer.stride - padding + window[axis - 1]
        return min(reach, self.source.shape[axis])


def steps(model: Model) -> list[Step]:
    """The steps of a model, in order."""
    return _trimmed(_fused(model))


def _fused(model: Model) -> list[Step]:
    """One step for each layer; max pooling without overlap joins the convolution before it."""
    found: list[Step] = []
    source = model.input
    for index, (layer, target) in enumerate(zip(model.layers, model.tensors, strict=True)):
        before = found[-1] if found else None
        follows_convolution = before and isinstance(before.layer, Conv2d) and before.pool is None
        if isinstance(layer, MaxPool2d) and layer.stride >= layer.size and before and follows_convolution:
            found[-1] = replace(before, target=target, pool=layer)
        else:
            found.append(Step(index, layer, source, target))
        source = target
    return found


def _trimmed(found: Sequence[Step]) -> list[Step]:
    """The steps without the rows and columns that the next step does not read; the image stays whole."""
    trimmed: list[Step] = []
    target = found[-1].target
    for step in reversed(found):
        step = replace(step, target=target)
        if step.layer.window and step.index > 0:
            sides = (step.needs(target.shape[axis], axis) for axis in (1, 2))
            step = replace(step, source=replace(step.source, shape=(step.source.shape[0], *sides)))
        trimmed.insert(0, step)
        target = step.source
    return trimmed


def _title(layer: Layer) -> str:
    """A layer with its window: conv2d 3x3."""
    return f"{layer.kind} {'x'.join(map(str, layer.window))}" if layer.window else layer.kind
