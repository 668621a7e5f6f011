"""An image that arrives row by row, in whatever pattern, gets the logits of one that is there at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import network_builds
import numpy as np
import pytest
import random_networks
from fast_networks import networks, random_shapes

from common.paths import MODELS, model_files
from compiler import model_file, reference, schedule
from compiler.network import Conv2d, Linear, Model
from data import mnist, sample

COMMITTED = model_files()
PATTERNS = 30  # of arrival, for each network on this computer


def check(network: Any, model: Model, images: np.ndarray, seed: int, patterns: int) -> None:
    """Images in random patterns, some given up half-way, some at once."""
    generator = np.random.default_rng(seed)
    expected = reference.run(model, images)
    network.begin()
    for _ in range(patterns):
        given_up, index = generator.integers(0, len(images), 2)
        if generator.integers(2):
            for _ in range(5):
                network.rows(images[given_up].tobytes(), int(generator.integers(model.input.shape[1] + 1)))
            network.begin()
        if generator.integers(4) == 0:
            assert network.run(images[given_up].tobytes()) == expected[given_up].tolist()
        assert network_builds.streamed(network, images[index], generator) == expected[index].tolist()


@pytest.fixture(params=COMMITTED, ids=lambda path: path.stem)
def committed(request: pytest.FixtureRequest) -> tuple[Model, np.ndarray]:
    """A model and the images of its sample."""
    return model_file.load(request.param), sample.read(request.param).images


def test_committed_models(committed: tuple[Model, np.ndarray], tmp_path: Path) -> None:
    model, images = committed
    check(network_builds.NativeNetwork(model, tmp_path), model, images[:100], 1, 200)


def test_committed_models_on_the_simulated_chip(committed: tuple[Model, np.ndarray], tmp_path: Path) -> None:
    model, images = committed
    check(network_builds.ArmNetwork(model, tmp_path), model, images[:20], 2, 20)


@pytest.mark.parametrize("name", networks(False))
def test_networks_of_fast_kernels(name: str, tmp_path: Path) -> None:
    model = networks(False)[name]
    images = network_builds.edge_images()
    check(network_builds.NativeNetwork(model, tmp_path), model, images, 3, PATTERNS)
    check(network_builds.ArmNetwork(model, tmp_path), model, images, 4, 3)


@pytest.mark.parametrize("name", random_networks.networks())
def test_networks_of_every_kind_of_layer(name: str, tmp_path: Path) -> None:
    model = random_networks.networks()[name]
    check(network_builds.NativeNetwork(model, tmp_path), model, network_builds.edge_images(), 5, PATTERNS)


@pytest.mark.parametrize("definition", ["-DNETWORK_PORTABLE", "-DNETWORK_REFERENCE_KERNELS"])
def test_the_readable_kernels_compute_the_same_rows(definition: str, tmp_path: Path) -> None:
    model = networks(True)["padded_and_shifted"]
    network = network_builds.NativeNetwork(model, tmp_path, definition)
    check(network, model, network_builds.edge_images(), 6, PATTERNS)


@pytest.mark.parametrize("seed", range(10, 22))
def test_random_shapes(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if seed % 2 == 0:  # a row of each layer at a time, also when the image is there
        monkeypatch.setattr(schedule, "CYCLES_PER_CALL", 1)
    model = random_shapes(seed)
    images = network_builds.edge_images(seed)
    check(network_builds.NativeNetwork(model, tmp_path), model, images, seed, PATTERNS)
    if seed % 3 == 0:
        check(network_builds.ArmNetwork(model, tmp_path), model, images, seed, 2)


def test_the_leading_layers_of_cnn_are_computed_while_the_image_arrives(tmp_path: Path) -> None:
    """Each row as soon as it can be, none of them twice, and the logits only in the end."""
    model = model_file.load(MODELS / "cnn.npz")
    network = network_builds.NativeNetwork(model, tmp_path)
    image = mnist.load_test_set().images[0].tobytes()
    network.begin()
    assert not network.rows(image, 3)
    assert network.rows(image, 4) and not network.rows(image, 4)
    assert network.rows(image, 6) and not network.rows(image, 7)
    assert sum(network.rows(image, 27) for _ in range(100)) > 5
    assert network.finish(image) == reference.run(model, mnist.load_test_set().images[:1])[0].tolist()
    assert not network.rows(image, 3)


def test_networks_that_begin_with_a_convolution_begin_early() -> None:
    models = [model_file.load(path) for path in COMMITTED]
    for model in models:
        is_early = schedule.plan(model).starts_while_receiving
        assert is_early is isinstance(model.layers[0], Conv2d), model.name
    assert {type(model.layers[0]) for model in models} >= {Conv2d, Linear}
