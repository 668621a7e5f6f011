"""The reference kernel of local normalisation: normalise.h."""

from __future__ import annotations

from compiler.kernels.kernel import Cost, Kernel, call, reference_kernel, struct
from compiler.lower import Step
from compiler.network import Normalise
from compiler.network.normalise import CELL, rank

_HISTOGRAM_BYTES = 512


@reference_kernel(Normalise)
def normalise(step: Step) -> Kernel:
    """Any local normalisation. It cannot stream: the brightest pixels decide how all are stretched."""
    layer = step.layer
    assert isinstance(layer, Normalise)
    _, rows, columns = step.source.shape
    _, output_rows, output_columns = step.target.shape
    sizes = struct(
        "normalise",
        rows=rows,
        columns=columns,
        output_rows=output_rows,
        output_columns=output_columns,
        rank=rank(step.source),
        span=layer.span,
    )
    cells = -(-rows // CELL) * -(-columns // CELL)
    return Kernel(
        header="reference/normalise.h",
        call=call("normalise", [sizes], ["{source}", "{target}", "{scratch}"]),
        cost=Cost(layer.kind, {"call": 1, "cell": cells, "pixel": rows * columns}, {}),
        scratch_bytes=_HISTOGRAM_BYTES + -(-((rows // 2) * (columns // 2) + 2 * cells) // 4) * 4,
        code_bytes=940,
    )
