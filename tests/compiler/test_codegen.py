"""The generated C computes the reference's bits, and export() writes it only if it changes."""

from __future__ import annotations

import re
from pathlib import Path

import network_builds
import numpy as np
import pytest
import random_networks

from common.errors import UserError
from common.paths import MODELS
from compiler import codegen, model_file, reference
from compiler.kernels import Kernel, kernel
from compiler.kernels.kernel import Cost
from compiler.network import Linear, Model
from data import mnist


@pytest.fixture
def linear() -> Model:
    return model_file.load(MODELS / "linear.npz")


def extreme_model() -> Model:
    """Weights and biases at both ends of their range."""
    generator = np.random.default_rng(3)
    weights = generator.choice(np.array([-128, -1, 0, 127], np.int8), (10, 784))
    bias = np.array([2**31 - 1 - 784 * 255 * 127, -(2**31) + 784 * 255 * 128] * 5, np.int32)
    return Model("extreme", (Linear(weights, bias),), 1e-4)


def plain_images() -> np.ndarray:
    """No ink, full ink and the image of the self-test, uint8 (3, 1, 28, 28)."""
    noise = reference.selftest_image(extreme_model())
    return np.stack([np.zeros_like(noise), np.full_like(noise, 255), noise])


def test_the_exported_c_computes_the_references_logits(linear: Model, tmp_path: Path) -> None:
    images = mnist.load_test_set().images[:1000]
    logits = network_builds.run_native(linear, tmp_path, images)
    np.testing.assert_array_equal(logits, reference.run(linear, images))


def test_c_and_reference_agree_at_the_ends_of_the_range(tmp_path: Path) -> None:
    model = extreme_model()
    network = network_builds.NativeNetwork(model, tmp_path)
    expected = reference.run(model, plain_images())
    np.testing.assert_array_equal([network.run(image.tobytes()) for image in plain_images()], expected)
    assert network.selftest_logits() == expected[2].tolist()


@pytest.mark.parametrize("extreme", [False, True], ids=["any", "extreme"])
@pytest.mark.parametrize("name", random_networks.networks())
def test_every_kind_of_layer_computes_the_references_logits(name: str, extreme: bool, tmp_path: Path) -> None:
    model = random_networks.networks(extreme)[name]
    images = np.concatenate([plain_images(), mnist.load_test_set().images[:20]])
    logits = network_builds.run_native(model, tmp_path, images)
    np.testing.assert_array_equal(logits, reference.run(model, images), strict=True)


def test_a_fast_kernel_leaves_the_reference_kernel_selectable(
    linear: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Kernel("other.h", "other({source}, {target}, {scratch});", Cost("other", {}, {}), scratch_bytes=8)
    monkeypatch.setitem(kernel._FAST, "linear", [lambda step: [other]])
    text = codegen.source_text(linear)
    readable, chosen = text.split("#else")
    assert "#ifdef NETWORK_REFERENCE_KERNELS" in readable and "linear_logits(" in readable
    assert "other(image, logits, arena.words + 0);" in chosen and "linear_logits(" not in chosen


def test_the_header_defines_what_the_firmware_needs(linear: Model, tmp_path: Path) -> None:
    codegen.export(linear, tmp_path)
    text = (tmp_path / "model.h").read_text()
    defined = dict(re.findall(r"#define (\w+) (.+)", text))
    assert defined["MODEL_NAME"] == '"linear"'
    assert defined["MODEL_CHECKSUM"] == f"0x{linear.checksum:08x}u"
    names = ("CHANNELS", "ROWS", "COLUMNS", "PIXELS", "CLASSES")
    assert [defined[f"NETWORK_{name}"] for name in names] == ["1", "28", "28", "784", "10"]
    assert 2**30 <= int(defined["MODEL_CENTI_MULTIPLIER"]) < 2**31
    assert 1 <= int(defined["MODEL_CENTI_SHIFT"]) <= 62


@pytest.mark.parametrize("scale", [2e-8, 1e-5, 3.14159e-3, 1 / 100, 0.011, (1 - 2**-40) / 100])
def test_hundredths_of_the_logits_are_right_to_half_a_hundredth(scale: float) -> None:
    model = Model("scales", (Linear(np.full((10, 784), -9, np.int8), np.zeros(10, np.int32)),), scale)
    multiplier, shift = codegen.centi_scale(model)
    for logit in [0, 1, -1, 12_345, -987_654, 1_799_280, -1_799_280]:
        hundredths = (logit * multiplier + (1 << (shift - 1))) >> shift
        assert hundredths == pytest.approx(logit * scale * 100, rel=1e-9, abs=0.5001)


@pytest.mark.parametrize("scale", [1e300, 100.0, 1e-300])
def test_logits_that_cannot_be_printed_are_refused(linear: Model, scale: float, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="too large or too small for the board to print"):
        codegen.export(Model("odd", linear.layers, scale), tmp_path)


def test_a_second_export_writes_nothing(linear: Model, tmp_path: Path) -> None:
    written = codegen.export(linear, tmp_path)
    assert written == (tmp_path / "model.h", tmp_path / "model.c")
    times = [path.stat().st_mtime_ns for path in written]
    assert codegen.export(linear, tmp_path) == ()
    assert [path.stat().st_mtime_ns for path in written] == times


def test_lines_of_the_generated_c_are_short(linear: Model) -> None:
    for text in (codegen.header_text(linear), codegen.source_text(linear)):
        assert max(map(len, text.splitlines())) <= 120
        assert text.endswith("}\n") or text.endswith("#endif\n")


def test_export_names_a_file_that_it_cannot_write(linear: Model, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"cannot be written: .*\.$"):
        codegen.export(linear, tmp_path / "file")
