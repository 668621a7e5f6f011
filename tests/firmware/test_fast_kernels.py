"""The fast kernels compute the specification kernels' bits, on this computer and on a simulated chip."""

import network_builds
import numpy as np
import pytest
from fast_networks import networks, random_shapes

from common.paths import MODELS
from compiler import fast_kernels, kernels, model_file, reference
from compiler.model_file import (
    IMAGE,
    Conv2d,
    Linear,
    Model,
    Requantisation,
    Tensor,
)
from data import mnist

NAMES = list(networks(False))


@pytest.fixture(params=[False, True], ids=["any", "extreme"], scope="module")
def models(request):
    return networks(request.param)


@pytest.mark.parametrize("name", NAMES)
def test_fast_kernels_are_chosen(models, name):
    chosen = [fast_kernels.choose(step).header for step in kernels.steps(models[name])]
    assert set(chosen) - {"linear.h"} <= {"conv3x3_lanes.h", "linear_paired.h"}
    assert chosen[0] != "linear.h"


@pytest.mark.parametrize("name", NAMES)
def test_this_computer_computes_the_references_logits(models, name, tmp_path):
    images = network_builds.edge_images()
    logits = network_builds.run_native(models[name], tmp_path, images)
    np.testing.assert_array_equal(logits, reference.run(models[name], images), strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_simulated_chip_computes_the_references_logits(models, name, tmp_path):
    images = network_builds.edge_images()[2:3]
    logits = network_builds.run_arm(models[name], tmp_path, images)
    np.testing.assert_array_equal(logits, reference.run(models[name], images), strict=True)


@pytest.mark.parametrize("definition", ["-DNETWORK_PORTABLE", "-DNETWORK_SPECIFICATION"])
def test_the_c_beside_the_assembly_computes_the_same(definition, tmp_path):
    model = networks(True)["odd_channels"]
    images = network_builds.edge_images()[2:3]
    logits = network_builds.run_arm(model, tmp_path, images, definition)
    np.testing.assert_array_equal(logits, reference.run(model, images), strict=True)


@pytest.mark.parametrize("seed", range(6))
def test_random_shapes(seed, tmp_path):
    model = random_shapes(seed)
    images = network_builds.edge_images(seed)
    expected = reference.run(model, images)
    np.testing.assert_array_equal(network_builds.run_native(model, tmp_path, images), expected)
    np.testing.assert_array_equal(network_builds.run_arm(model, tmp_path, images[3:4]), expected[3:4])


@pytest.mark.parametrize(
    "layer",
    [
        {"stride": 2},
        {"outputs": 3},
        {"kernel": 2},
        {"weight": 127},
    ],
    ids=str,
)
def test_other_convolutions_are_left_to_the_specification(layer):
    kernel, outputs = layer.get("kernel", 3), layer.get("outputs", 2)
    weights = np.full((outputs, 1, kernel, kernel), layer.get("weight", 1), np.int8)
    rule = Requantisation(np.ones(outputs, np.int16), 8, 127)
    options = {name: layer[name] for name in ("stride",) if name in layer}
    conv = Conv2d(weights, np.zeros(outputs, np.int32), rule, **options)
    step = kernels.Step(0, conv, IMAGE, conv.output(IMAGE))
    assert fast_kernels.choose(step).header == "conv2d.h"


@pytest.mark.parametrize(("outputs", "inputs", "shift"), [(9, 784, 0), (10, 783, 0), (10, 784, 1)])
def test_other_linear_layers_are_left_to_the_specification(outputs, inputs, shift):
    linear = Linear(
        np.zeros((outputs, inputs), np.int8), np.zeros(outputs, np.int32), None, input_shift=shift
    )
    source = Tensor((inputs,), 0, 255)
    step = kernels.Step(0, linear, source, linear.output(source))
    assert fast_kernels.choose(step).header == "linear.h"


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.npz")), ids=lambda path: path.stem)
def test_committed_models_compute_the_references_logits_on_the_simulated_chip(path, tmp_path):
    model = model_file.load(path)
    images = mnist.load_test_set().images[::20]
    machine = network_builds.arm_machine(model, tmp_path, counts=False)
    logits = [machine.classify(image.tobytes())[0] for image in images]
    np.testing.assert_array_equal(logits, reference.run(model, images))


def test_biases_at_both_ends_of_32_bits(tmp_path):
    bias = np.array([2**31 - 1, -(2**31)] * 5, np.int32)
    model = Model("ends", (Linear(np.zeros((10, 784), np.int8), bias),), 1e-9)
    images = network_builds.edge_images()[:2]
    for run in (network_builds.run_native, network_builds.run_arm):
        np.testing.assert_array_equal(run(model, tmp_path, images), reference.run(model, images))


def test_weights_of_two_outputs_share_words():
    weights = np.array([[-7, 7, 0, 1, -1], [3, -3, 2, 0, 7]], np.int8)
    assert [f"{word:08x}" for word in fast_kernels.pack_lanes(weights, 4)] == ["8a5b98f1", "888f8887"]


def test_weights_of_four_outputs_share_words_and_the_last_two_theirs():
    weights = np.arange(-128, -116, dtype=np.int8).reshape(6, 2)
    words = [f"{word:08x}" for word in fast_kernels.pack_products(weights)]
    assert words == ["06040200", "07050301", "0b0a0908"]
