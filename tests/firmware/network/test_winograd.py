"""The Winograd kernels compute the reference's bits, in C and assembly, up to the limits of their lanes."""

import shutil
from pathlib import Path
from typing import Any

import layer_builds
import network_builds
import numpy as np
import pytest

from compiler import lower
from compiler.kernels.winograd import pairs
from compiler.network import Conv2d

KERNELS = ("conv3x3_winograd_1d", "conv3x3_winograd_2d")

# Channels, outputs, rows and columns of the input, and what else differs from the default. Together they have
# every number of positions that is computed at once, tiles of three and two, one and two pairs, one round of
# the inner loop and several, channels that do not fill a group, padding on every side, and outputs that do
# not fill the last tile.
SHAPES: dict[str, tuple[int, int, tuple[int, int], dict[str, Any]]] = {
    "cnn_2": (16, 8, (12, 12), {"pool": True}),
    "cnn_4": (28, 6, (5, 5), {"padding": 1}),
    "cnn_5": (30, 4, (5, 5), {}),
    "one_channel": (1, 2, (4, 4), {}),
    "one_window": (3, 2, (4, 4), {"pool": True}),
    "three_windows": (2, 2, (8, 8), {"pool": True}),
    "four_windows": (5, 6, (10, 10), {"pool": True}),
    "six_windows": (4, 4, (6, 14), {"pool": True}),
    "nine_windows": (2, 4, (5, 20), {}),
    "odd_sides": (7, 4, (7, 9), {}),
    "padded_and_pooled": (8, 4, (7, 10), {"padding": 1, "pool": True}),
    "padded_by_two": (6, 2, (5, 6), {"padding": 2}),
    "two_columns": (9, 4, (6, 4), {}),
    "many_channels": (36, 4, (5, 6), {}),
    "tall": (4, 6, (17, 5), {"padding": 1}),
    "as_wide_as_images": (2, 2, (4, 64), {"padding": 1}),
    "as_tall_as_images": (8, 2, (62, 3), {"padding": 1}),
}


def _step(generator: np.random.Generator, name: str, shape: str) -> lower.Step:
    channels, outputs, side, options = SHAPES[shape]
    width, narrow = (2**15 - 1, 0) if name.endswith("2d") else (2**16 - 1, 2**15 - 1)
    return layer_builds.step(generator, channels, outputs, side, width=width, narrow=narrow, **options)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", KERNELS)
def test_this_computer_computes_the_references_bits(name: str, shape: str, tmp_path: Path) -> None:
    """For any split into rows, and for any size of the strips."""
    generator = np.random.default_rng(len(shape))
    step = _step(generator, name, shape)
    pixels = layer_builds.inputs(generator, step)
    expected = layer_builds.expected(step, pixels)
    for strip in (0, 1, 99):
        kernel = layer_builds.kernel(step, name, strip)
        assert kernel is not None
        layer = layer_builds.NativeLayer(step, kernel, _folder(tmp_path, strip))
        for each, bits in zip(pixels, expected, strict=True):
            for splits in layer_builds.row_splits(generator, step.target.shape[1]):
                np.testing.assert_array_equal(layer.run(each, splits), bits, str(splits))


@pytest.mark.parametrize("definition", ["", "-DNETWORK_PORTABLE"], ids=["assembly", "portable"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", KERNELS)
def test_the_simulated_chip_computes_the_references_bits(
    name: str, shape: str, definition: str, tmp_path: Path
) -> None:
    pytest.importorskip("unicorn", exc_type=ImportError)
    generator = np.random.default_rng(len(shape))
    step = _step(generator, name, shape)
    pixels = layer_builds.inputs(generator, step)
    expected = layer_builds.expected(step, pixels)
    for strip in (0, 99) if not definition else (1,):
        kernel = layer_builds.kernel(step, name, strip)
        assert kernel is not None
        layer = layer_builds.ArmLayer(step, kernel, tmp_path, *([definition] if definition else []))
        for each, bits in zip(pixels, expected, strict=True):
            *_, portions = layer_builds.row_splits(generator, step.target.shape[1])
            np.testing.assert_array_equal(layer.run(each, [(0, step.target.shape[1])]), bits)
            np.testing.assert_array_equal(layer.run(each, portions), bits, str(portions))


@pytest.mark.parametrize(
    ("name", "maximum", "channels", "width", "narrow"),
    [
        ("conv3x3_winograd_1d", 51, 24, 2**16 - 1, 2**15 - 1 - 25),
        ("conv3x3_winograd_1d", 31, 36, 2**16 - 2, 2**15 - 1),
        ("conv3x3_winograd_2d", 31, 24, 2**15 - 1, 2**15 - 1),
    ],
)
def test_sums_reach_both_ends_of_their_lanes(
    name: str, maximum: int, channels: int, width: int, narrow: int, tmp_path: Path
) -> None:
    """Inputs whose largest value divides the lane's range, so that a filter uses all of it."""
    generator = np.random.default_rng(1)
    step = layer_builds.step(generator, channels, 4, (4, 4), width=width, narrow=narrow, maximum=maximum)
    assert isinstance(step.layer, Conv2d)
    low, high = pairs.sums(step.layer, step.source)
    lanes = {2**15 - 1, 2**16 - 1} & set((high - low).tolist())
    assert lanes, "no filter reaches the end of its lane"
    pixels = layer_builds.inputs(generator, step)
    kernel = layer_builds.kernel(step, name)
    assert kernel is not None
    layer = layer_builds.NativeLayer(step, kernel, tmp_path)
    np.testing.assert_array_equal(
        [layer.run(each, [(0, step.target.shape[1])]) for each in pixels],
        layer_builds.expected(step, pixels),
    )


# Edits of the headers that change one constant, sign or place of a transform, in C or in assembly.
EDITS = [
    ("1d", "value[0] = (int16_t)(2 * (d[0] - d[2]) - d1_minus_d3);", "2 *", "3 *"),
    ("1d", "value[step] = (int16_t)(d[1] + d[2] + d1_minus_d3);", "+ d1", "- d1"),
    ("1d", "value[2 * step] = (int16_t)(2 * (d[1] - d[2]) - d[2] + d[3]);", "+ d[3]", "- d[3]"),
    ("1d", "value[3 * step] = (int16_t)(2 * (2 * d1_minus_d3 - d[2] + d[4]));", "(2 * d1", "(1 * d1"),
    ("1d", "value[4 * step] = (int16_t)-d1_minus_d3;", ")-d1", ")d1"),
    ("1d", "value[0] = (int16_t)(2 * (d[0] - d[2]));", "2 *", "1 *"),
    ("1d", "value[step] = (int16_t)(d[1] + d[2]);", "+", "-"),
    ("1d", "value[2 * step] = (int16_t)(d[2] - d[1]);", "-", "+"),
    ("1d", "value[3 * step] = (int16_t)(2 * (d[1] - d[3]));", "2 * (", "1 * ("),
    ("1d", "#define WINOGRAD_1D_THIRD     0xaaaaaaabu", "aabu", "aaau"),
    ("1d", "sums[1] = middle + third_minus + 2 * third_two;", "2 *", "3 *"),
    ("1d", "sums[2] = products[3] + middle - third_minus + 4 * third_two;", "4 *", "2 *"),
    ("1d", "sums[1] = middle - products[2] - products[3];", "- products[3]", "+ products[3]"),
    ("1d", "weights[4 * step] = kernel[0] + 2 * kernel[1] + 4 * kernel[2];", "4 * kernel", "3 * kernel"),
    ("1d", "weights[2 * step] = kernel[0] + kernel[2] - kernel[1];", "- k", "+ k"),
    ("1d", '"add.w r2, r2, r6, lsl #2\\n"', "#2", "#1"),
    ("1d", '"subs r7, r5\\n"', "subs", "adds"),
    ("2d", "transformed[0] = d0 + offset - d2;", "- d2", "- d1"),
    ("2d", "transformed[2 * step] = d2 + offset - d1;", "- d1", "- d0"),
    ("2d", "const uint32_t offset = WINOGRAD_2D_IN_EACH_BYTE(64u);", "64u", "63u"),
    ("2d", "winograd_2d_store(value + 12 * term_bytes, d1 + offset - d3, windows);", "d1", "d2"),
    ("2d", "IN_EACH_BYTE(128u);", "128u", "127u"),
    ("2d", "terms[0] = 2 * left;", "2 *", "1 *"),
    ("2d", "terms[2 * step] = ends - middle;", "-", "+"),
    ("2d", "right[i] = products[1] - products[2] - products[3];", "- products[3]", "+ products[3]"),
    ("2d", "sums[3] = right[1] - right[2] - right[3] + bias[3];", "- right[3]", "+ right[3]"),
    ("2d", "#define WINOGRAD_2D_LOST_BITS 2", "2D_LOST_BITS 2", "2D_LOST_BITS 1"),
    ("2d", '"subs r6, r2\\n" "subs r7, r3\\n"', '"subs r6', '"adds r6'),
    ("2d", '"subs " right ", r3, r5\\n"', "subs", "adds"),
]


@pytest.mark.parametrize(("which", "line", "old", "new"), EDITS, ids=str)
def test_a_change_of_any_constant_is_noticed(
    which: str, line: str, old: str, new: str, tmp_path: Path
) -> None:
    """The tests above can fail: an edited transform computes other bits."""
    generator = np.random.default_rng(2)
    name = f"conv3x3_winograd_{which}"
    step = _step(generator, name, "cnn_4" if which == "1d" else "odd_sides")
    kernel = layer_builds.kernel(step, name)
    assert kernel is not None
    network = tmp_path / "network"
    shutil.copytree(network_builds.NETWORK, network)
    header = network / "fast" / "winograd" / f"{name}.h"
    text = header.read_text()
    assert line in text and line.count(old) == 1
    header.write_text(text.replace(line, line.replace(old, new)))
    pixels = layer_builds.inputs(generator, step)
    build = layer_builds.ArmLayer if line.startswith('"') else layer_builds.NativeLayer
    layer = build(step, kernel, tmp_path, network=network)
    computed = [layer.run(each, [(0, step.target.shape[1])]) for each in pixels]
    assert (np.array(computed) != layer_builds.expected(step, pixels)).any()


def _folder(parent: Path, name: object) -> Path:
    folder = parent / str(name)
    folder.mkdir()
    return folder
