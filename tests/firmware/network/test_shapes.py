"""Networks for images of other shapes and with other classes: C and reference agree."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import fast_networks
import network_builds
import numpy as np
import pytest

from compiler import codegen, reference, schedule, untrained
from compiler.network import Model, image

MODELS = {name: untrained.network(name, *of) for name, of in untrained.SHAPES.items()}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> Model:
    return MODELS[request.param]


Network = network_builds.NativeNetwork | network_builds.ArmNetwork


def check(network: Network, model: Model, count: int) -> None:
    """The logits of edge images, whole and in `count` random portions, are the reference's."""
    images = network_builds.edge_images(0, model.input.shape)
    expected = reference.run(model, images).tolist()
    assert [network.run(image.tobytes()) for image in images] == expected
    generator = np.random.default_rng(1)
    for index in generator.integers(0, len(images), count).tolist():
        assert network_builds.streamed(network, images[index], generator) == expected[index]


@pytest.mark.parametrize("seed", range(12))
def test_random_shapes_and_classes(seed: int, tmp_path: Path) -> None:
    model = fast_networks.random_images(seed)
    check(network_builds.NativeNetwork(model, tmp_path), model, 10)
    check(network_builds.ArmNetwork(model, tmp_path), model, 3)


@pytest.mark.parametrize("definition", ["-DNETWORK_PORTABLE", "-DNETWORK_REFERENCE_KERNELS"])
def test_this_computer_computes_the_references_logits(model: Model, definition: str, tmp_path: Path) -> None:
    check(network_builds.NativeNetwork(model, tmp_path, definition), model, 40)


def test_the_chip_computes_the_references_logits(model: Model, tmp_path: Path) -> None:
    check(network_builds.ArmNetwork(model, tmp_path), model, 10)


def test_rows_among_the_first_bytes_are_those_of_the_last_channel(model: Model, tmp_path: Path) -> None:
    codegen.export(model, tmp_path)
    source = tmp_path / "rows.c"
    source.write_text(
        '#include "network.h"\nint rows_in(uint32_t bytes);\n'
        "int rows_in(uint32_t bytes) { return network_rows_in(bytes); }\n"
    )
    library, options = tmp_path / "librows.so", ["-shared", "-fPIC", f"-I{network_builds.NETWORK}"]
    network_builds.compile_c(network_builds.compiler("cc"), [source], library, options, tmp_path)
    rows_in = ctypes.CDLL(os.fspath(library)).rows_in
    channels, rows, columns = model.input.shape
    before = (channels - 1) * rows * columns
    assert [rows_in(count) for count in (0, before, before + columns - 1)] == [0, 0, 0]
    assert [rows_in(before + columns), rows_in(model.input.count)] == [1, rows]


@pytest.mark.parametrize("side", [5, 64])
def test_the_smallest_and_the_largest_images(side: int, tmp_path: Path) -> None:
    """By the kernel of lanes: 25 pixels are no whole words, and an offset of 66 x 66 needs two additions."""
    network = fast_networks.Network(side, source=image((1, side, side)), classes=2)
    if side == 5:
        network.conv(2, 4, input_shift=1)
    else:
        network.conv(2, 4, pool=True, padding=1, input_shift=2).conv(2, 4, pool=True).conv(2, 4, pool=True)
    model = network.model()
    assert schedule.plan(model).stages[0].kernel.name == "conv3x3_lanes"
    check(network_builds.NativeNetwork(model, tmp_path), model, 10)
    check(network_builds.ArmNetwork(model, tmp_path), model, 3)


def test_the_class_names_are_those_of_the_model(model: Model, tmp_path: Path) -> None:
    network_builds.NativeNetwork(model, tmp_path)
    library = ctypes.CDLL(os.fspath(tmp_path / "libnetwork.so"))
    names = (ctypes.c_char_p * model.classes).in_dll(library, "network_class_names")
    assert tuple(name.decode() for name in names if name) == model.class_names


def test_each_class_is_the_answer_to_some_image(model: Model) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (2000, *model.input.shape), np.uint8)
    assert len(set(reference.predict(model, noise).tolist())) >= 3
