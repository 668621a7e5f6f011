"""Imports of ONNX files, compared with onnx's reference evaluator."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from onnx_graphs import logits_by_onnx

from training.importing import graph, layers
from training.importing.network import ImportedNetwork, InputRange, image_shape, import_graph


def imported(path: Path, input_range: str = "0-1") -> ImportedNetwork:
    """The network in a file."""
    read = graph.read(path)
    return import_graph(read, image_shape(read), InputRange.parse(input_range))


@torch.no_grad()
def logits(
    network: ImportedNetwork, images: NDArray[np.float32], *, exact: bool = True
) -> NDArray[np.float32]:
    """The logits of images 0 to 1, as the file says or with the layers that can be quantised."""
    return layers.network(network.layers, exact=exact)(torch.from_numpy(images)).numpy()


def images_for(path: Path, count: int = 4) -> NDArray[np.float32]:
    """Random images for the network in a file, 0 to 1."""
    return np.random.default_rng(1).random((count, *image_shape(graph.read(path))), np.float32)


def require_equal(path: Path, *, largest: int = 1, chip: bool = True) -> ImportedNetwork:
    """Check that the imported network computes the file's logits. chip: also with the chip's layers.

    largest: the value of a white pixel in the file's input.
    """
    network, images = imported(path, f"0-{largest}"), images_for(path)
    expected = logits_by_onnx(path, images * largest)
    assert expected.std() > 0.01
    np.testing.assert_allclose(logits(network, images), expected, atol=1e-4)
    is_equal = np.allclose(logits(network, images, exact=False), expected, atol=1e-4)
    assert is_equal == chip == (not network.bordered)
    return network
