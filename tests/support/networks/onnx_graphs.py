"""Small ONNX graphs, and the logits that onnx's reference evaluator computes from a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

Shape = tuple[int, int, int]

_DECISIONS = ("Softmax", "LogSoftmax", "Sigmoid", "ArgMax")


def node(operator: str, *constants: Any, name: str = "", **attributes: Any) -> tuple[str, list[Any], Any]:
    """A node of a chain: its input is the output of the node before it, followed by the constants."""
    return operator, list(constants), {"name": name or f"the_{operator.lower()}", **attributes}


def write_chain(
    path: Path, shape: Sequence[int | str], *nodes: tuple[str, list[Any], Any], opset: int = 18
) -> Path:
    """Write a graph of nodes, one after the other.

    A constant may be None, for an input that is left out, or ..., for the output of the node before, which
    otherwise is the first input.
    """
    current = "input"
    initializers, protos = [], []
    for index, (operator, constants, attributes) in enumerate(nodes):
        inputs = [] if any(constant is ... for constant in constants) else [current]
        for number, constant in enumerate(constants):
            if constant is None or constant is ...:
                inputs.append("" if constant is None else current)
            else:
                inputs.append(f"constant{index}_{number}")
                initializers.append(numpy_helper.from_array(np.asarray(constant), inputs[-1]))
        current = f"output{index}"
        protos.append(helper.make_node(operator, inputs, [current], **attributes))
    graph = helper.make_graph(
        protos,
        "chain",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [_output(current, protos[-1].op_type)],
        initializers,
    )
    imports = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    model = shape_inference.infer_shapes(helper.make_model(graph, opset_imports=imports, ir_version=8))
    output = model.graph.output[0]
    if not output.type.HasField("sequence_type") and not output.type.tensor_type.HasField("shape"):
        # A tensor must have one as an output.
        output.CopyFrom(helper.make_tensor_value_info(current, TensorProto.FLOAT, ["n", "classes"]))
    onnx.save(model, path)
    return path


def _output(name: str, operator: str) -> onnx.ValueInfoProto:
    if operator != "ZipMap":
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    each = helper.make_map_type_proto(
        TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    )
    return helper.make_value_info(name, helper.make_sequence_type_proto(each))


def random(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    """Weights from -0.5 to 0.5."""
    return np.random.default_rng(seed).random(shape, np.float32) - np.float32(0.5)


def logits_by_onnx(path: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logits of a file for images (channels, rows, columns): what its decision nodes take."""
    model = onnx.load(path)
    graph = model.graph
    nodes = list(graph.node)
    decision = next((index for index, node in enumerate(nodes) if node.op_type in _DECISIONS), len(nodes))
    output = nodes[decision].input[0] if decision < len(nodes) else graph.output[0].name
    value = next(each for each in graph.input if each.name not in {each.name for each in graph.initializer})
    count, *sizes = [size.dim_value for size in value.type.tensor_type.shape.dim]
    count = count or 1
    kept = helper.make_graph(
        nodes[:decision],
        "logits",
        [value],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        graph.initializer,
    )
    evaluator = ReferenceEvaluator(helper.make_model(kept, opset_imports=model.opset_import))
    is_last = len(sizes) == 3 and sizes != list(images.shape[1:])
    ordered = images.transpose(0, 2, 3, 1) if is_last else images
    batches = ordered.reshape(-1, count, *sizes)
    results = [np.asarray(evaluator.run(None, {value.name: batch})[0]) for batch in batches]
    return np.concatenate([result.reshape(count, -1) for result in results])
