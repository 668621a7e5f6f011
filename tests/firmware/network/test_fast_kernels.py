"""The fast kernels compute the reference kernels' bits, on this computer and on a simulated chip."""

from __future__ import annotations

from pathlib import Path

import network_builds
import numpy as np
import pytest
from fast_networks import networks, random_shapes

from common.paths import model_files
from compiler import model_file, reference
from compiler.kernels import conv3x3_lanes, kernel
from compiler.network import (
    Linear,
    Model,
)
from data import sample

NAMES = list(networks(False))


@pytest.fixture(params=[False, True], ids=["any", "extreme"], scope="module")
def models(request: pytest.FixtureRequest) -> dict[str, Model]:
    return networks(request.param)


@pytest.fixture(params=["fastest", "lanes"])
def convolutions(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fastest kernels of convolutions, and the lanes alone."""
    if request.param == "lanes":
        monkeypatch.setitem(kernel._FAST, "conv2d", [conv3x3_lanes.conv3x3_lanes])


@pytest.mark.usefixtures("convolutions")
@pytest.mark.parametrize("name", NAMES)
def test_this_computer_computes_the_references_logits(
    models: dict[str, Model], name: str, tmp_path: Path
) -> None:
    images = network_builds.edge_images()
    logits = network_builds.run_native(models[name], tmp_path, images)
    np.testing.assert_array_equal(logits, reference.run(models[name], images), strict=True)


@pytest.mark.usefixtures("convolutions")
@pytest.mark.parametrize("name", NAMES)
def test_the_simulated_chip_computes_the_references_logits(
    models: dict[str, Model], name: str, tmp_path: Path
) -> None:
    images = network_builds.edge_images()[2:3]
    logits = network_builds.run_arm(models[name], tmp_path, images)
    np.testing.assert_array_equal(logits, reference.run(models[name], images), strict=True)


@pytest.mark.parametrize("definition", ["-DNETWORK_PORTABLE", "-DNETWORK_REFERENCE_KERNELS"])
def test_the_c_beside_the_assembly_computes_the_same(definition: str, tmp_path: Path) -> None:
    model = networks(True)["odd_channels"]
    images = network_builds.edge_images()[2:3]
    logits = network_builds.run_arm(model, tmp_path, images, definition)
    np.testing.assert_array_equal(logits, reference.run(model, images), strict=True)


@pytest.mark.parametrize("seed", range(6))
def test_random_shapes(seed: int, tmp_path: Path) -> None:
    model = random_shapes(seed)
    images = network_builds.edge_images(seed)
    expected = reference.run(model, images)
    np.testing.assert_array_equal(network_builds.run_native(model, tmp_path, images), expected)
    np.testing.assert_array_equal(network_builds.run_arm(model, tmp_path, images[3:4]), expected[3:4])


@pytest.mark.parametrize("path", model_files(), ids=lambda path: path.stem)
def test_committed_models_compute_the_references_logits_on_the_simulated_chip(
    path: Path, tmp_path: Path
) -> None:
    model = model_file.load(path)
    images = sample.read(path).images
    machine = network_builds.arm_machine(model, tmp_path, counts=False)
    logits = [machine.classify(image.tobytes(), model.classes)[0] for image in images]
    np.testing.assert_array_equal(logits, reference.run(model, images))


def test_biases_at_both_ends_of_32_bits(tmp_path: Path) -> None:
    bias = np.array([2**31 - 1, -(2**31)] * 5, np.int32)
    model = Model("ends", (Linear(np.zeros((10, 784), np.int8), bias),), 1e-9)
    images = network_builds.edge_images()[:2]
    for run in (network_builds.run_native, network_builds.run_arm):
        np.testing.assert_array_equal(run(model, tmp_path, images), reference.run(model, images))
