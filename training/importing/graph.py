"""An ONNX file: its nodes, its constants and the shape of its input.

The operators are specified in https://onnx.ai/onnx/operators/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import checker, external_data_helper, inliner, numpy_helper
from onnx.reference import ReferenceEvaluator

from common.errors import UserError
from common.paths import shown

_INTEGERS = {onnx.TensorProto.UINT8, onnx.TensorProto.INT8, onnx.TensorProto.INT32, onnx.TensorProto.INT64}


@dataclass(frozen=True)
class Node:
    """One node of a graph. inputs: '' for one that is left out. name: its operator and name, for errors."""

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    proto: onnx.NodeProto

    @property
    def given(self) -> tuple[str, ...]:
        """The inputs that are not left out."""
        return tuple(name for name in self.inputs if name)


@dataclass(frozen=True)
class Graph:
    """A graph in the order of computation.

    shape: of the input, with the number of images in front, which is 1 if the file leaves it open.
    takes_integers: whether the input is of an integer type.
    """

    source: str
    input: str
    shape: tuple[int, ...]
    takes_integers: bool
    nodes: tuple[Node, ...]
    constants: Mapping[str, np.ndarray]
    opsets: Mapping[str, int]

    def evaluate(self, node: Node, constants: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of a node whose inputs are all constant, by name. Raises UserError."""
        inputs = {name: constants[name] for name in node.given}
        try:
            values = ReferenceEvaluator(node.proto, opsets=dict(self.opsets)).run(None, inputs)
        except Exception as error:  # the evaluator documents no error, and raises those of NumPy and its own
            raise UserError(f"{node.name} cannot be computed: {_first_line(error)}.") from None
        return {name: np.asarray(value) for name, value in zip(node.outputs, values, strict=True)}


def read(path: Path) -> Graph:
    """Read an ONNX file and the files of weights beside it.

    Raises UserError if one is missing or damaged, or if the graph has not one input of a fixed shape.
    """
    source = shown(path)
    model = _load(path, source)
    if model.functions:
        model = inliner.inline_local_functions(model)
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(repr(value.name) for value in inputs) or "none"
        raise UserError(f"{source} has {len(inputs)} inputs ({names}): only networks with one are supported.")
    tensor = inputs[0].type.tensor_type
    return Graph(
        source,
        inputs[0].name,
        _shape(tensor, inputs[0].name, source),
        tensor.elem_type in _INTEGERS,
        tuple(_node(proto) for proto in graph.node),
        constants,
        {entry.domain: entry.version for entry in model.opset_import},
    )


def _load(path: Path, source: str) -> onnx.ModelProto:
    """The parsed and checked file, with all weights. Raises UserError."""
    try:
        model = onnx.load(path, load_external_data=False)
    except FileNotFoundError:
        raise UserError(f"There is no file {source}.") from None
    except OSError as error:
        raise UserError(f"{source} cannot be read: {error.strerror or error}.") from None
    except DecodeError:
        raise UserError(f"{source} is no ONNX file, or it is damaged: export the network again.") from None
    if not model.graph.node:
        raise UserError(f"{source} is no ONNX file, or its graph is empty: export the network again.")
    for name in _weight_files(model):
        if not (path.parent / name).is_file():
            raise UserError(
                f"{source} keeps its weights in {name}, which is not beside it: "
                "copy that file too, or export the network into one file."
            )
    try:
        external_data_helper.load_external_data_for_model(model, str(path.parent))
        checker.check_model(model, full_check=True)
    except Exception as error:  # ValidationError, InferenceError, ValueError and more
        raise UserError(f"{source} is not valid ONNX: {_first_line(error)}.") from None
    return model


def _weight_files(model: onnx.ModelProto) -> list[str]:
    """The files outside the ONNX file that hold its weights, relative to its folder."""
    tensors = [*model.graph.initializer]
    for node in model.graph.node:
        tensors += [attribute.t for attribute in node.attribute if attribute.HasField("t")]
    entries = [
        entry.value
        for tensor in tensors
        if external_data_helper.uses_external_data(tensor)
        for entry in tensor.external_data
        if entry.key == "location"
    ]
    return list(dict.fromkeys(entries))


def _shape(tensor: onnx.TypeProto.Tensor, name: str, source: str) -> tuple[int, ...]:
    """The shape of the input. Raises UserError if more than the number of images is open."""
    sizes = [size.dim_value for size in tensor.shape.dim]
    if len(sizes) < 2 or 0 in sizes[1:]:
        shown_sizes = ", ".join(str(size.dim_value or size.dim_param or "?") for size in tensor.shape.dim)
        raise UserError(
            f"{source} takes {name!r} of the shape ({shown_sizes}): export the network with a fixed size "
            "behind the number of images."
        )
    return (sizes[0] or 1, *sizes[1:])


def _node(proto: onnx.NodeProto) -> Node:
    domain = "" if proto.domain in ("", "ai.onnx") else f"{proto.domain}."
    operator = proto.op_type if domain in ("", "ai.onnx.ml.") else domain + proto.op_type
    attributes = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in proto.attribute}
    name = proto.name or next(iter(proto.output), "")
    return Node(operator, f"{operator} {name!r}", tuple(proto.input), tuple(proto.output), attributes, proto)


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:200].rstrip(".:; ")
