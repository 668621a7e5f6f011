"""The reference kernels of poolings that stand alone: maxpool2d.h and avgpool2d.h."""

from __future__ import annotations

from compiler.kernels.kernel import Cost, Kernel, call, reference_kernel, struct
from compiler.lower import Step
from compiler.network import AvgPool2d, MaxPool2d, Pool


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
    windows = step.target.count
    work = {"call": 1, "output row": channels * output_rows}
    if layer.size == 2:  # GCC unrolls both loops
        work["2x2 window"] = windows
    else:
        work["row of a window"] = windows * layer.size
        work["pixel"] = windows * layer.size**2
    return Kernel(
        header=f"reference/{layer.kind}.h",
        call=call(layer.kind, [sizes], ["{source}", "{target}"]),
        cost=Cost(layer.kind, work, {}),
        code_bytes=120,
    )
