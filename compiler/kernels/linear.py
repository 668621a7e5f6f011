"""The reference kernel of fully connected layers: firmware/network/reference/linear.h."""

from __future__ import annotations

from compiler.kernels.kernel import Cost, Kernel, pack_bits, reference_kernel, struct, weighted
from compiler.lower import Step
from compiler.network import Linear


@reference_kernel(Linear)
def linear(step: Step) -> Kernel:
    """Any fully connected layer."""
    layer = step.layer
    assert isinstance(layer, Linear)
    outputs, inputs = layer.weights.shape
    products = outputs * inputs
    work = {
        "call": 1,
        "output": outputs,
        "requantised output": outputs if layer.requantisation else 0,
        f"product of {'8 bits' if layer.weight_bits == 8 else 'fewer bits'}": products,
        "shifted product": products if layer.input_shift else 0,
    }
    return weighted(
        step,
        header="reference/linear.h",
        function="linear" if layer.requantisation else "linear_logits",
        sizes=sizes(layer),
        constants={"weights": pack_bits(layer.weights, layer.weight_bits), "bias": layer.bias},
        cost=Cost("linear", work, {}),
        code_bytes=120,
    )


def sizes(layer: Linear) -> str:
    """The C struct linear of a layer, which all kernels of fully connected layers take."""
    outputs, inputs = layer.weights.shape
    return struct(
        "linear",
        inputs=inputs,
        outputs=outputs,
        input_shift=layer.input_shift,
        weight_bits=layer.weight_bits,
    )
