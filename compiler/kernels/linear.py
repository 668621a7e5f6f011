"""The reference kernel of fully connected layers: firmware/network/linear.h."""

from __future__ import annotations

from compiler.kernels.kernel import Kernel, pack_bits, reference_kernel, struct, weighted
from compiler.lower import Step
from compiler.network import Linear

_CYCLES_PER_PRODUCT = {8: 13, 4: 22, 2: 22}  # by the bits of a weight
_CYCLES_PER_OUTPUT = 20


@reference_kernel(Linear)
def linear(step: Step) -> Kernel:
    """Any fully connected layer."""
    layer = step.layer
    assert isinstance(layer, Linear)
    return weighted(
        step,
        header="linear.h",
        function="linear" if layer.requantisation else "linear_logits",
        sizes=sizes(layer),
        constants={"weights": pack_bits(layer.weights, layer.weight_bits), "bias": layer.bias},
        cycles=step.macs * _CYCLES_PER_PRODUCT[layer.weight_bits] + step.target.count * _CYCLES_PER_OUTPUT,
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
