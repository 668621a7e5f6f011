"""The exported C, compiled for this computer, computes what the reference defines on every test image."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Callable
from pathlib import Path

import network_builds
import numpy as np
import pytest

from common.paths import model_files
from compiler import model_file, reference
from compiler.network import Model
from data import sample
from data.mnist import CLASSES, load_test_set
from tooling import build

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler for this computer")


@pytest.fixture(scope="module")
def network_run() -> Callable[[np.ndarray], np.ndarray]:
    build.build(build.NATIVE)
    function = ctypes.CDLL(str(build.image(build.NATIVE).with_name("libnetwork.so"))).network_run
    function.restype = None

    def run(images: np.ndarray) -> np.ndarray:
        logits = np.zeros((len(images), CLASSES), np.int32)
        for image, out in zip(np.ascontiguousarray(images), logits, strict=True):
            function(image.ctypes.data_as(ctypes.c_void_p), out.ctypes.data_as(ctypes.c_void_p))
        return logits

    return run


@pytest.fixture(scope="module")
def model() -> Model:
    return model_file.load(build.model_file())


def test_every_logit_of_all_test_images_is_the_references(
    network_run: Callable[[np.ndarray], np.ndarray], model: Model
) -> None:
    images = load_test_set().images
    expected = reference.run(model, images)

    mismatches = np.flatnonzero((network_run(images) != expected).any(axis=1))

    assert mismatches.size == 0, f"{mismatches.size} of {len(images)} images differ, first {mismatches[:10]}"


@pytest.mark.parametrize("path", model_files(), ids=lambda path: path.stem)
def test_the_readable_kernels_compute_every_logit_of_all_test_images(path: Path, tmp_path: Path) -> None:
    model = model_file.load(path)
    network = network_builds.NativeNetwork(model, tmp_path, "-DNETWORK_REFERENCE_KERNELS")
    is_mnist = path.stem in ("cnn", "linear", "max")
    images = load_test_set().images if is_mnist else sample.read(path).images

    logits = [network.run(image.tobytes()) for image in images]

    np.testing.assert_array_equal(logits, reference.run(model, images))


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_answered_as_by_the_reference(
    network_run: Callable[[np.ndarray], np.ndarray], model: Model, seed: int
) -> None:
    images = np.random.default_rng(seed).integers(0, 256, (100, 28, 28), dtype=np.uint8)

    np.testing.assert_array_equal(network_run(images), reference.run(model, images))


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255])
def test_images_of_one_value_are_answered_as_by_the_reference(
    network_run: Callable[[np.ndarray], np.ndarray], model: Model, value: int
) -> None:
    images = np.full((1, 28, 28), value, np.uint8)

    np.testing.assert_array_equal(network_run(images), reference.run(model, images))
