"""Each operator, in small graphs: the import computes what onnx's reference evaluator does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")
pytest.importorskip("onnx", reason="onnx is not installed: invoke setup --train")

from onnx_graphs import node, random, write_chain
from onnx_imports import imported, logits, require_equal

from training.importing.layers import Activation, Convolution

pytestmark = pytest.mark.train

Nodes = list[tuple[str, list[Any], Any]]


def conv(outputs: int, channels: int, *kernel: int, **options: Any) -> tuple[str, list[Any], Any]:
    return node("Conv", random(outputs, channels, *kernel), random(outputs, seed=1), **options)


def head(features: int, classes: int = 3) -> Nodes:
    """What makes logits of images."""
    return [node("Flatten"), node("Gemm", random(features, classes), random(classes, seed=2))]


FIRST = [conv(2, 1, 3, 3), node("Relu")]  # 8 x 8 becomes 2 x 6 x 6
GRAY: list[int | str] = ["n", 1, 8, 8]
STATISTICS = [
    np.array([0.7, 1.3], np.float32),
    *(random(2, seed=s) for s in (3, 4)),
    np.array([0.5, 2], np.float32),
]

CASES: dict[str, tuple[Sequence[int | str], Nodes]] = {
    # Layers with weights
    "Gemm of transposed weights with factors": (
        GRAY,
        [
            node("Flatten"),
            node("Gemm", random(3, 64), random(3, seed=2), transB=1, alpha=0.5, beta=2.0),
        ],
    ),
    "MatMul and Add of flat images": (["n", 64], [node("MatMul", random(64, 3)), node("Add", random(3))]),
    "images without channels": (["n", 8, 8], head(64)),
    "a fixed number of images": ([4, 1, 8, 8], [node("Reshape", np.array([4, 64])), *head(64)[1:]]),
    "Conv with a stride": (GRAY, [conv(2, 1, 3, 3, strides=[2, 2]), node("Relu"), *head(2 * 9)]),
    "Conv with groups": (
        GRAY,
        [*FIRST, node("Conv", random(4, 1, 3, 3), group=2), node("Relu"), *head(4 * 16)],
    ),
    "Conv of a kernel that is not square": (GRAY, [conv(2, 1, 2, 4), node("Relu"), *head(2 * 7 * 5)]),
    "Conv with dilation": (GRAY, [conv(2, 1, 3, 2, dilations=[2, 3]), node("Relu"), *head(2 * 4 * 5)]),
    "Conv with equal padding": (GRAY, [conv(2, 1, 3, 3, pads=[1] * 4), node("Relu"), *head(2 * 64)]),
    "Conv with padding at the end": (
        GRAY,
        [conv(2, 1, 3, 3, pads=[0, 0, 1, 1], strides=[2, 2]), node("Relu"), *head(2 * 16)],
    ),
    "Conv with four paddings": (GRAY, [conv(2, 1, 4, 3, pads=[0, 2, 1, 0]), node("Relu"), *head(2 * 6 * 8)]),
    "Conv with SAME_UPPER": (
        GRAY,
        [conv(2, 1, 4, 4, auto_pad="SAME_UPPER", strides=[2, 2]), node("Relu"), *head(2 * 16)],
    ),
    "Conv with SAME_LOWER": (GRAY, [conv(2, 1, 2, 2, auto_pad="SAME_LOWER"), node("Relu"), *head(2 * 64)]),
    "Conv with VALID": (GRAY, [conv(2, 1, 3, 3, auto_pad="VALID"), node("Relu"), *head(2 * 36)]),
    "Pad before a Conv": (
        GRAY,
        [
            node("Pad", np.array([0, 0, 1, 0, 0, 0, 2, 1])),
            conv(2, 1, 3, 3, pads=[0, 1, 0, 1]),
            node("Relu"),
            *head(2 * 9 * 9),
        ],
    ),
    "Pad before a Conv with SAME_UPPER": (
        GRAY,
        [
            node("Pad", np.array([0, 0, 1, 0, 0, 0, 2, 1])),
            conv(2, 1, 4, 4, auto_pad="SAME_UPPER", strides=[2, 2]),
            node("Relu"),
            *head(2 * 6 * 5),
        ],
    ),
    "Pad before the channels move": (
        ["n", 8, 8, 1],
        [
            node("Pad", np.array([0, 1, 0, 0, 0, 1, 2, 0])),
            node("Transpose", perm=[0, 3, 1, 2]),
            conv(2, 1, 3, 3),
            node("Relu"),
            *head(2 * 8 * 8),
        ],
    ),
    # Normalisation and scaling
    "BatchNormalization behind a Conv": (
        GRAY,
        [FIRST[0], node("BatchNormalization", *STATISTICS, epsilon=0.1), node("Relu"), *head(72)],
    ),
    "BatchNormalization behind an activation": (
        GRAY,
        [*FIRST, node("BatchNormalization", *STATISTICS), conv(2, 2, 3, 3), node("Relu"), *head(32)],
    ),
    "BatchNormalization behind pooling and before an activation": (
        GRAY,
        [
            FIRST[0],
            node("MaxPool", kernel_shape=[2, 2], strides=[2, 2]),
            node("BatchNormalization", *STATISTICS),
            node("Relu"),
            *head(18),
        ],
    ),
    "BatchNormalization of logits": (
        GRAY,
        [*FIRST, *head(72, 2), node("BatchNormalization", *STATISTICS)],
    ),
    "Sub, Div, Mul and Add of pixels": (
        GRAY,
        [
            node("Sub", np.float32(0.2)),
            node("Div", np.array([[[0.5]]], np.float32)),
            node("Mul", np.float32(3)),
            node("Add", np.array([0.1], np.float32)),
            *FIRST,
            *head(72),
        ],
    ),
    "normalisation of each channel": (
        ["n", 3, 8, 8],
        [
            node("Sub", random(3, 1, 1)),
            node("Div", random(3, 1, 1, seed=5)),
            conv(2, 3, 3, 3),
            node("Relu"),
            *head(72),
        ],
    ),
    "normalisation of each channel behind rows and columns": (
        ["n", 8, 8, 3],
        [
            node("Sub", random(3)),
            node("Transpose", perm=[0, 3, 1, 2]),
            conv(2, 3, 3, 3),
            node("Relu"),
            *head(72),
        ],
    ),
    "a constant minus pixels": (GRAY, [node("Sub", np.float32(1), ...), *FIRST, *head(72)]),
    "a constant plus pixels": (GRAY, [node("Add", np.float32(1), ...), *FIRST, *head(72)]),
    "normalisation of each pixel": (
        ["n", 64],
        [node("Sub", random(64)), node("Mul", random(64, seed=3)), *head(64)[1:]],
    ),
    "Scaler": (
        ["n", 64],
        [
            node(
                "Scaler", domain="ai.onnx.ml", offset=random(64).tolist(), scale=random(64, seed=2).tolist()
            ),
            *head(64)[1:],
        ],
    ),
    "scaling of pooled activations": (
        GRAY,
        [
            *FIRST,
            node("Mul", np.array([[[0.5]], [[2]]], np.float32)),
            node("MaxPool", kernel_shape=[2, 2], strides=[2, 2]),
            node("Add", np.float32(0.25)),
            node("AveragePool", kernel_shape=[3, 3]),
            *head(2),
        ],
    ),
    "scaling before a Conv with groups": (
        GRAY,
        [
            *FIRST,
            node("Mul", np.array([[[0.5]], [[2]]], np.float32)),
            node("Add", random(2, 1, 1)),
            node("Conv", random(4, 1, 3, 3), group=2),
            node("Relu"),
            *head(64),
        ],
    ),
    # Activations
    "Clip": (GRAY, [FIRST[0], node("Clip", np.float32(0), np.float32(0.3)), *head(72)]),
    "Clip without a maximum": (GRAY, [FIRST[0], node("Clip", np.float32(0)), *head(72)]),
    "Max with 0, and Min": (
        GRAY,
        [FIRST[0], node("Max", np.float32(0)), node("Min", np.float32(0.3)), *head(72)],
    ),
    "Relu twice": (
        GRAY,
        [*FIRST, node("MaxPool", kernel_shape=[2, 2]), node("Relu"), *head(2 * 25)],
    ),
    "Relu behind a MaxPool": (
        GRAY,
        [FIRST[0], node("MaxPool", kernel_shape=[2, 2], strides=[2, 2]), node("Relu"), *head(18)],
    ),
    "Relu of logits": (GRAY, [*FIRST, *head(72), node("Relu"), node("Softmax")]),
    # Pooling
    "MaxPool of pixels": (GRAY, [node("MaxPool", kernel_shape=[3, 3], strides=[2, 2]), *head(9)]),
    "MaxPool whose ceil_mode changes nothing": (
        GRAY,
        [node("MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1), *head(16)],
    ),
    "AveragePool": (GRAY, [*FIRST, node("AveragePool", kernel_shape=[2, 2], strides=[2, 2]), *head(18)]),
    "GlobalAveragePool": (GRAY, [*FIRST, node("GlobalAveragePool"), *head(2)]),
    "GlobalMaxPool": (GRAY, [*FIRST, node("GlobalMaxPool"), *head(2)]),
    "ReduceMean": (GRAY, [*FIRST, node("ReduceMean", np.array([-1, 2]), keepdims=0), *head(2)[1:]]),
    "ReduceMean of channels behind rows and columns": (
        GRAY,
        [
            *FIRST,
            node("Transpose", perm=[0, 2, 3, 1]),
            node("ReduceMean", np.array([1, 2]), keepdims=0),
            *head(2)[1:],
        ],
    ),
    "a Conv and its mean as logits": (GRAY, [*FIRST, conv(3, 2, 1, 1), node("GlobalAveragePool")]),
    "a Conv over the whole image as logits": (GRAY, [*FIRST, conv(3, 2, 6, 6), node("Flatten")]),
    "the mean of activations as logits": (GRAY, [*FIRST, node("GlobalAveragePool"), node("Flatten")]),
    # Order
    "logits of rows, columns and channels": (
        GRAY,
        [
            *FIRST,
            node("MaxPool", kernel_shape=[3, 3], strides=[3, 3]),
            node("Transpose", perm=[0, 2, 3, 1]),
            node("Flatten"),
        ],
    ),
    "features of rows, columns and channels": (
        GRAY,
        [*FIRST, node("Transpose", perm=[0, 2, 3, 1]), *head(72)],
    ),
    "images of rows, columns and channels, flattened": (["n", 8, 8, 3], head(192)),
    "Squeeze and Unsqueeze": (
        GRAY,
        [
            node("Squeeze", np.array([1])),
            node("Unsqueeze", np.array([-1, 1])),
            node("Squeeze", np.array([4])),
            *FIRST,
            *head(72),
        ],
    ),
    "Reshape with 0 and -1": (GRAY, [*FIRST, node("Reshape", np.array([0, -1])), *head(72)[1:]]),
    # Nothing
    "Identity, Dropout and Cast": (
        GRAY,
        [node("Identity"), node("Cast", to=1), *FIRST, node("Dropout"), *head(72)],
    ),
    "LogSoftmax, ArgMax and Identity": (
        GRAY,
        [*FIRST, *head(72), node("LogSoftmax"), node("ArgMax", axis=1), node("Cast", to=1)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_import_equals_the_graph(name: str, tmp_path: Path) -> None:
    shape, nodes = CASES[name]
    require_equal(write_chain(tmp_path / "chain.onnx", shape, *nodes))


OLD: dict[str, Nodes] = {
    "Clip": [FIRST[0], node("Clip", min=0.0, max=0.3), *head(72)],
    "ReduceMean": [*FIRST, node("ReduceMean", axes=[2, 3]), *head(2)],
    "Squeeze": [*FIRST, node("GlobalAveragePool"), node("Squeeze", axes=[2, 3]), *head(2)[1:]],
    "Pad": [node("Pad", pads=[0, 0, 1, 1, 0, 0, 1, 1]), *FIRST, *head(2 * 64)],
}


@pytest.mark.parametrize("name", OLD)
def test_settings_may_be_attributes_as_in_older_operator_sets(name: str, tmp_path: Path) -> None:
    require_equal(write_chain(tmp_path / "chain.onnx", GRAY, *OLD[name], opset=10))


@pytest.mark.parametrize(
    "before",
    [[node("Sub", np.float32(0.2))], [*FIRST, node("Add", np.array([[[0.3]], [[-0.2]]], np.float32))]],
    ids=["pixels", "activations"],
)
def test_padding_of_shifted_values_differs_on_the_chip_only_at_the_border(
    before: Nodes, tmp_path: Path
) -> None:
    channels, features = (2, 72) if len(before) > 1 else (1, 128)
    padded = conv(2, channels, 3, 3, pads=[1] * 4)
    path = write_chain(tmp_path / "chain.onnx", GRAY, *before, padded, node("Relu"), *head(features))
    network = require_equal(path, chip=False)
    assert [layer.node for layer in network.bordered] == ["Conv 'the_conv'"]


def test_the_ceiling_of_two_limits_is_the_smaller(tmp_path: Path) -> None:
    limits = [node("Clip", np.float32(0), np.float32(high)) for high in (6, 0.2, 3)]
    path = write_chain(tmp_path / "chain.onnx", GRAY, FIRST[0], *limits, *head(72))
    activations = [layer for layer in imported(path).layers if isinstance(layer, Activation)]
    assert [round(layer.ceiling or 0, 6) for layer in activations] == [0.2]


def test_unequal_padding_adds_only_the_zeros_that_it_needs(tmp_path: Path) -> None:
    path = write_chain(
        tmp_path / "chain.onnx",
        GRAY,
        conv(2, 1, 3, 3, pads=[0, 0, 1, 1], strides=[2, 2]),
        node("Relu"),
        *head(32),
    )
    layer = imported(path).layers[0]
    assert isinstance(layer, Convolution)
    assert layer.weights.shape == (2, 1, 4, 4) and layer.padding == 1
    assert not layer.weights[:, :, 0].any() and not layer.weights[:, :, :, 0].any()


@pytest.mark.parametrize(
    ("text", "black", "white"),
    [("0-1", 0, 1), ("0-255", 0, 255), ("-1-1", -1, 1), ("0.1307/0.3081", -0.42421, 2.82148)],
)
def test_the_input_range_is_folded_into_the_first_layer(
    text: str, black: float, white: float, tmp_path: Path
) -> None:
    path = write_chain(tmp_path / "chain.onnx", GRAY, *head(64))
    plain, scaled = imported(path), imported(path, text)
    for pixel, value in ((0, black), (1, white)):
        images = np.full((1, 1, 8, 8), pixel, np.float32)
        expected = logits(plain, np.full_like(images, value))
        np.testing.assert_allclose(logits(scaled, images), expected, atol=1e-3, rtol=1e-4)


def test_each_channel_may_have_its_range(tmp_path: Path) -> None:
    path = write_chain(tmp_path / "chain.onnx", ["n", 3, 8, 8], *head(192))
    images = np.random.default_rng(0).random((2, 3, 8, 8), np.float32)
    mean, deviation = (
        np.array(values, np.float32).reshape(3, 1, 1) for values in ([0.5, 0.4, 0.3], [0.2, 0.3, 0.1])
    )
    expected = logits(imported(path), (images - mean) / deviation)
    got = logits(imported(path, "0.5,0.4,0.3/0.2,0.3,0.1"), images)
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_logits_can_take_another_order(tmp_path: Path) -> None:
    path = write_chain(tmp_path / "chain.onnx", GRAY, *head(64))
    images = np.random.default_rng(0).random((2, 1, 8, 8), np.float32)
    network = imported(path)
    before = logits(network, images)
    network.reorder([2, 0, 1])
    np.testing.assert_array_equal(logits(network, images), before[:, [2, 0, 1]])
