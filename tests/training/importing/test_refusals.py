"""What the import cannot take is one sentence: files, inputs, and nodes with their operator and name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")
pytest.importorskip("onnx", reason="onnx is not installed: invoke setup --train")

import onnx
from onnx import TensorProto, helper
from onnx_graphs import node, random, write_chain
from onnx_imports import imported

from common.errors import UserError

pytestmark = pytest.mark.train

Nodes = list[tuple[str, list[Any], Any]]

GRAY: list[int | str] = ["n", 1, 8, 8]
CONV = node("Conv", random(2, 1, 3, 3))
RELU = node("Relu")
FLAT = [node("Flatten"), node("Gemm", random(64, 3))]


def head(features: int) -> Nodes:
    return [node("Flatten"), node("Gemm", random(features, 3))]


def refusal(path: Path, input_range: str = "0-1") -> str:
    """The sentence that refuses a file, which is one line and ends with a full stop."""
    with pytest.raises(UserError) as caught:
        imported(path, input_range)
    text = str(caught.value)
    assert text.endswith(".") and "\n" not in text
    return text


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"hello, this is text\n", b"\x89PNG\r\n\x1a\n", bytes(100), b"\x08\x07"]
)
def test_a_file_that_is_no_onnx(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(content)
    assert "other.onnx is no ONNX file, or" in refusal(path)


def test_a_file_that_is_cut_off_or_changed(tmp_path: Path) -> None:
    path = write_chain(tmp_path / "chain.onnx", GRAY, *FLAT)
    content = path.read_bytes()
    for length in range(0, len(content), 37):
        path.write_bytes(content[:length])
        refusal(path)
    path.write_bytes(content.replace(b"Flatten", b"Flitten"))
    assert "chain.onnx is not valid ONNX: No Op registered for Flitten" in refusal(path)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert "There is no file " in refusal(tmp_path / "missing.onnx")
    assert "cannot be read: Is a directory." in refusal(tmp_path)
    path = write_chain(tmp_path / "chain.onnx", GRAY, *FLAT)
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    imported(path)
    (tmp_path / "weights.bin").write_bytes(b"short")
    assert "chain.onnx is not valid ONNX" in refusal(path)
    (tmp_path / "weights.bin").unlink()
    assert "keeps its weights in weights.bin, which is not beside it: copy" in refusal(path)


@pytest.mark.parametrize(
    ("shape", "complaint"),
    [
        (["n", 1, "rows", 8], "takes 'input' of the shape (n, 1, rows, 8): export the network with a fixed"),
        (["n", "c", 8, 8], "takes 'input' of the shape (n, c, 8, 8): export"),
        ([8], "takes 'input' of the shape (8)"),
        (["n", 2, 8, 8], "takes images of 2 x 8 x 8, which are neither grey nor RGB images"),
        (["n", 1, 3, 8], "takes images of 1 x 3 x 8, which are neither"),
        (["n", 50], "takes images of 50, which are neither"),
        (["n", 1, 1, 8, 8], "takes images of 1 x 1 x 8 x 8, which are neither"),
    ],
)
def test_inputs_that_are_no_images_of_a_fixed_size(
    shape: Sequence[int | str], complaint: str, tmp_path: Path
) -> None:
    assert complaint in refusal(write_chain(tmp_path / "chain.onnx", shape, RELU))


def test_two_inputs(tmp_path: Path) -> None:
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 64]) for name in ("a", "b")]
    output = helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["n", 64])
    graph = helper.make_graph([helper.make_node("Add", ["a", "b"], ["sum"])], "two", inputs, [output])
    onnx.save(helper.make_model(graph), tmp_path / "two.onnx")
    assert "two.onnx has 2 inputs ('a', 'b'): only networks with one" in refusal(tmp_path / "two.onnx")


@pytest.mark.parametrize(
    ("nodes", "complaint"),
    [
        ([node("Tanh", name="squash"), *FLAT], "Tanh 'squash' is not supported: the supported operators are"),
        ([node("LeakyRelu", name=""), *FLAT], "LeakyRelu 'the_leakyrelu' is not supported: the supported"),
        # Layers with weights
        ([CONV, *head(72)], "Conv 'the_conv' is not supported: it needs a Relu or Clip behind it"),
        ([CONV, node("AveragePool", kernel_shape=[2, 2]), RELU, *head(50)], "Relu 'the_relu' is not support"),
        ([*FLAT, node("Gemm", random(3, 3))], "Gemm 'the_gemm' is not supported: it needs a Relu or Clip be"),
        ([node("Conv", random(2, 1, 3, 3), strides=[1, 2]), RELU], "its strides [1, 2] differ between rows"),
        ([node("Conv", random(2, 1, 1, 1), pads=[1] * 4), RELU], "its padding of 1 is as large as its kerne"),
        ([*FLAT[:1], node("Conv", random(2, 1, 3))], "is not valid ONNX"),
        ([node("MatMul", random(8, 3))], "MatMul 'the_matmul' is not supported: it multiplies values of sha"),
        ([*FLAT[:1], node("Gemm", random(64, 3), transA=1)], "it transposes its input"),
        # Scaling
        ([CONV, node("Add", random(6, 6)), RELU], "the scaling before it differs between the pixels of a ch"),
        ([node("Mul", random(8, 8)), CONV, RELU], "the scaling before it differs between the pixels of a ch"),
        ([node("Add", random(5, 1, 8, 8)), *FLAT], "its constant of shape (5, 1, 8, 8) makes the tensor lar"),
        ([node("Div", np.float32(0)), *FLAT], "it must divide by constants that are not 0"),
        ([node("Add", np.float32(1)), RELU, *FLAT], "Relu 'the_relu' is not supported: no layer with weight"),
        (
            [node("Mul", np.float32(-1)), node("MaxPool", kernel_shape=[2, 2]), *head(49)],
            "MaxPool 'the_maxpool' is not supported: a scaling with a factor that is not positive",
        ),
        # Activations
        ([CONV, node("Clip", np.float32(-1), np.float32(1))], "Clip 'the_clip' is not supported: it clips t"),
        ([CONV, node("Clip", np.float32(0), np.float32(-1))], "it clips to 0.0 to -1.0, and only 0 to"),
        ([CONV, node("Min", np.float32(-1))], "it must take the maximum with 0, or the minimum with one"),
        ([CONV, node("Max", np.arange(6, dtype=np.float32))], "it must take the maximum with 0"),
        (
            [CONV, node("MaxPool", kernel_shape=[2, 2]), node("Mul", np.float32(-1)), RELU],
            "Relu 'the_relu' is not supported: no layer with weights comes directly before it",
        ),
        (
            [
                CONV,
                node("MaxPool", kernel_shape=[2, 2]),
                node("Mul", np.float32(-1)),
                node("Add", np.float32(1)),
                node("Mul", np.float32(-1)),
                RELU,
            ],
            "Relu 'the_relu' is not supported: no layer with weights comes directly before it",
        ),
        # Pooling
        ([node("MaxPool", kernel_shape=[2, 3])], "its window of 2 x 3 must be square and without dilation"),
        ([node("MaxPool", kernel_shape=[2, 2], dilations=[2, 2])], "its window of 2 x 2 must be square"),
        ([node("MaxPool", kernel_shape=[3, 3], pads=[1] * 4)], "it pads the image; only pooling without"),
        ([node("AveragePool", kernel_shape=[2, 2], auto_pad="SAME_UPPER")], "it pads the image"),
        ([node("AveragePool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)], "with ceil_mode, its last"),
        ([node("ReduceMean", np.array([1]))], "ReduceMean 'the_reducemean' is not supported: it must take t"),
        ([node("ReduceMean", np.array([3]))], "it must take the mean over all rows and columns"),
        ([node("Conv", random(2, 1, 3, 2)), RELU, node("GlobalAveragePool")], "its image of 6 x 7 is not sq"),
        ([node("Conv", random(2, 1, 3, 2)), RELU, node("GlobalMaxPool")], "its image of 6 x 7 is not square"),
        # Order
        ([node("Transpose", perm=[2, 1, 0, 3])], "Transpose 'the_transpose' is not supported: it mixes the"),
        ([node("Transpose", perm=[0, 1, 3, 2]), CONV], "its input is not an image in the order channels, ro"),
        ([node("Reshape", np.array([-1, 8]))], "it mixes the values of several images or drops some"),
        ([*FLAT, RELU, node("Reshape", np.array([1, 1, 3, 1])), CONV], "is not an image in the order"),
        # Padding
        ([node("Pad", np.array([0, 0, 1, 1, 0, 0, 1, 1])), RELU], "a Pad comes before it, which only a Conv"),
        ([node("Pad", np.array([0, 0, 1, 1, 0, 0, 1, 1]), mode="edge")], "it must surround images with zero"),
        ([node("Pad", np.array([0, 0, 1, 1, 0, 0, 1, 1]), np.float32(1))], "it must surround images with ze"),
        ([node("Pad", np.array([0, 1, 0, 0, 0, 0, 0, 0]))], "it must add rows and columns to images"),
        # The end
        (
            [
                *(CONV, RELU),
                node("Conv", random(3, 2, 1, 1), strides=[5, 5], name="last"),
                node("GlobalAveragePool"),
            ],
            "Conv 'last' is not supported: it needs a Relu or Clip behind it",
        ),
        (
            [CONV, RELU, node("Conv", random(2, 1, 6, 6), group=2, name="last"), node("Flatten")],
            "Conv 'last' is not supported: it needs a Relu or Clip behind it",
        ),
        (
            [CONV, RELU, node("Conv", random(2, 2, 3, 3), pads=[1] * 4, strides=[6, 6], name="last")],
            "Conv 'last' is not supported: it needs a Relu or Clip behind it",
        ),
        ([*FLAT, node("Softmax"), node("Gemm", random(3, 3))], "Softmax 'the_softmax' before it must end th"),
    ],
)  # fmt: skip
def test_nodes_that_are_not_supported(nodes: Nodes, complaint: str, tmp_path: Path) -> None:
    assert complaint in refusal(write_chain(tmp_path / "chain.onnx", GRAY, *nodes))


def write_branches(path: Path, *protos: onnx.NodeProto) -> Path:
    """A graph of 4 x 4 images with more than one way through it."""
    graph = helper.make_graph(
        list(protos),
        "branches",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1, 4, 4])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return path


def test_branches(tmp_path: Path) -> None:
    path = tmp_path / "branches.onnx"
    complaint = "Add 'join' is not supported: it joins or starts a branch, and a network must be one sequence"
    write_branches(
        path,
        helper.make_node("Relu", ["x"], ["a"], name="one"),
        helper.make_node("Add", ["a", "x"], ["y"], name="join"),
    )
    assert complaint in refusal(path)
    write_branches(path, helper.make_node("Add", ["x", "x"], ["y"], name="join"))
    assert complaint in refusal(path)
    write_branches(
        path,
        helper.make_node("Relu", ["x"], ["a"], name="one"),
        helper.make_node("Relu", ["x"], ["y"], name="two"),
    )
    assert "Relu 'two' is not supported: it joins or starts a branch" in refusal(path)


def test_weights_that_are_computed_from_the_image(tmp_path: Path) -> None:
    path = write_branches(tmp_path / "w.onnx", helper.make_node("MatMul", ["x", "x"], ["y"]))
    assert "MatMul 'y' is not supported: it joins or starts a branch" in refusal(path)


@pytest.mark.parametrize(
    "text", ["", "1-0", "0:255", "0.5/0", "0.5,0.5/1,1", "1/2/3", "a/b", "1,2,3/1", "0-x"]
)
def test_input_ranges_that_are_not_understood(text: str, tmp_path: Path) -> None:
    path = write_chain(tmp_path / "chain.onnx", GRAY, *FLAT)
    assert f"--input-range {text} is not supported: give the values of black and white" in refusal(path, text)


def test_an_input_range_of_other_channels(tmp_path: Path) -> None:
    path = write_chain(tmp_path / "chain.onnx", GRAY, *FLAT)
    complaint = "--input-range 1,2,3/1,1,1 is for 3 channels, and the network takes 1: give one number or 1."
    assert refusal(path, "1,2,3/1,1,1") == complaint
