"""The reference kernels of poolings that stand alone: firmware/network/maxpool2d.h and avgpool2d.h."""

from __future__ import annotations

from compiler.kernels.kernel import Kernel, call, reference_kernel, struct
from compiler.lower import Step
from compiler.network import AvgPool2d, MaxPool2d, Pool

_CYCLES_PER_PIXEL = 18
_CYCLES_PER_OUTPUT = 20


@reference_kernel(MaxPool2d, AvgPool2d)
def pool2d(step: Step) -> Kernel:
    """Any pooling."""
    layer = step.layer
    assert isinstance(layer, Pool)
    channels, rows, columns = step.source.shape
    _, output_rows, output_columns = step.target.shape
    sizes = struct(
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
        call=call(layer.kind, [sizes], ["{source}", "{target}"]),
        cycles=pixels * _CYCLES_PER_PIXEL + step.target.count * _CYCLES_PER_OUTPUT,
    )
