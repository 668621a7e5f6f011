"""The reference kernel of convolutions: firmware/network/reference/conv2d.h."""

from __future__ import annotations

from compiler.kernels.kernel import Cost, DoesNotApply, Kernel, pack_bits, reference_kernel, struct, weighted
from compiler.lower import Step
from compiler.network import Conv2d


@reference_kernel(Conv2d)
def conv2d(step: Step) -> Kernel:
    """Any convolution, with the max pooling that joined it."""
    layer = step.layer
    assert isinstance(layer, Conv2d)
    outputs, _, columns = step.target.shape
    positions = outputs * columns * (step.pool.size**2 if step.pool else 1)
    products = positions * layer.weights[0].size
    per_row = {
        "position": positions,
        "position of a group": positions if layer.groups > 1 else 0,
        f"product of {'8 bits' if layer.weight_bits == 8 else 'fewer bits'}": products,
        "padded product": products if layer.padding else 0,
    }
    return weighted(
        step,
        header="reference/conv2d.h",
        function="conv2d",
        sizes=sizes(step),
        constants={"weights": pack_bits(layer.weights, layer.weight_bits), "bias": layer.bias},
        cost=Cost("conv2d", {"call": 1}, per_row),
        code_bytes=400,
    )


def require_3x3(step: Step) -> None:
    """Raise DoesNotApply unless a step has the shape that all fast kernels of convolutions take.

    That is 3x3, stride 1, one group, an even number of outputs, and max pooling over 2x2 or none.
    """
    layer = step.layer
    assert isinstance(layer, Conv2d)
    if layer.window != (3, 3):
        raise DoesNotApply(f"its window is {'x'.join(map(str, layer.window))}, not 3x3")
    if layer.stride != 1:
        raise DoesNotApply(f"its stride is {layer.stride}, not 1")
    if layer.groups != 1:
        raise DoesNotApply(f"it has {layer.groups} groups, not 1")
    if len(layer.bias) % 2:
        raise DoesNotApply(f"it has an odd number of outputs, {len(layer.bias)}")
    if step.pool and (step.pool.size, step.pool.stride) != (2, 2):
        size, stride = step.pool.size, step.pool.stride
        raise DoesNotApply(f"its pooling is over {size}x{size} with stride {stride}, not over 2x2 with 2")


def sizes(step: Step) -> str:
    """The C struct conv2d of a step, which all kernels of convolutions take."""
    layer = step.layer
    assert isinstance(layer, Conv2d)
    channels, rows, columns = step.source.shape
    outputs, output_rows, output_columns = step.target.shape
    kernel_rows, kernel_columns = layer.window
    return struct(
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
