"""The exporter: the C it writes computes the reference's bits, and what does not fit is refused."""

import ctypes
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import random_networks

from common.errors import UserError
from common.paths import CHIPS, MODELS, ROOT
from compiler import export, fast_kernels, kernels, model_file, reference
from compiler import target as chip
from compiler.export import Rows
from compiler.kernels import Kernel
from compiler.model_file import Linear, Model
from compiler.target import Memory
from data import mnist

NETWORK = ROOT / "firmware" / "network"


@pytest.fixture
def linear():
    return model_file.load(MODELS / "linear.npz")


def extreme_model():
    """Weights and biases at both ends of their range."""
    generator = np.random.default_rng(3)
    weights = generator.choice(np.array([-128, -1, 0, 127], np.int8), (10, 784))
    bias = np.array([2**31 - 1 - 784 * 255 * 127, -(2**31) + 784 * 255 * 128] * 5, np.int32)
    return Model("extreme", (Linear(weights, bias),), 1e-4)


def compile_network(folder):
    """The exported C as a shared library, with the warnings of the firmware's build."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler on PATH")
    library = folder / "libnetwork.so"
    flags = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-shared", "-fPIC"]
    sources = [f"-I{folder}", f"-I{NETWORK}", folder / "model.c", NETWORK / "network.c"]
    subprocess.run([compiler, *flags, *sources, "-o", library], check=True)
    return ctypes.CDLL(str(library))


def run_c(library, images):
    logits = np.zeros((len(images), 10), np.int32)
    for image, row in zip(images, logits, strict=True):
        library.network_run(image.tobytes(), row.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)))
    return logits


def test_the_exported_c_computes_the_references_logits(linear, tmp_path):
    export.export(linear, tmp_path)
    library = compile_network(tmp_path)
    images = mnist.load_test_set().images[:1000]
    np.testing.assert_array_equal(run_c(library, images), reference.run(linear, images))


def test_c_and_reference_agree_at_the_ends_of_the_range(tmp_path):
    model = extreme_model()
    export.export(model, tmp_path)
    library = compile_network(tmp_path)
    images = np.stack(
        [np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8), reference.selftest_image()]
    )
    expected = reference.run(model, images)
    np.testing.assert_array_equal(run_c(library, images), expected)
    golden = (ctypes.c_int32 * 10).in_dll(library, "model_selftest_logits")
    assert list(golden) == expected[2].tolist()


@pytest.mark.parametrize("extreme", [False, True], ids=["any", "extreme"])
@pytest.mark.parametrize("name", random_networks.networks())
def test_every_kind_of_layer_computes_the_references_logits(name, extreme, tmp_path):
    model = random_networks.networks(extreme)[name]
    export.export(model, tmp_path)
    images = np.concatenate(
        [
            [np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8), reference.selftest_image()],
            mnist.load_test_set().images[:20],
        ]
    )
    np.testing.assert_array_equal(
        run_c(compile_network(tmp_path), images), reference.run(model, images), strict=True
    )


def test_rows_and_columns_that_nobody_reads_are_not_computed():
    def shapes(builder):
        return [step.target.shape for step in kernels.steps(builder.model())]

    # 28 - 3 + 1 = 26, halved 13, of which windows of 3 pooled by 2 see 12.
    builder = random_networks.Builder(1).conv(2).maxpool(2).conv(2).maxpool(2)
    assert shapes(builder) == [(2, 12, 12), (2, 5, 5), (10,)]
    builder = random_networks.Builder(1).conv(2, (3, 2)).conv(2, (2, 4), stride=3)
    assert shapes(builder) == [(2, 26, 25), (2, 9, 8), (10,)]
    # The padding after the last row stands for rows that are read.
    builder = random_networks.Builder(1).conv(2, padding=1).conv(2, padding=1).avgpool(5)
    assert shapes(builder) == [(2, 26, 26), (2, 25, 25), (2, 5, 5), (10,)]


def test_packed_weights_come_back():
    weights = np.array([[-7, 7, 0], [1, -1, 3], [5, 6, -3]], np.int8)
    assert [byte & 0xFF for byte in kernels.pack(weights, 4).tolist()] == [0x79, 0x10, 0x3F, 0x65, 0x0D]
    assert kernels.pack(weights, 8) is weights
    two_bits = np.array([1, 0, -1, 1, -1], np.int8)
    assert [byte & 0xFF for byte in kernels.pack(two_bits, 2).tolist()] == [0b01_11_00_01, 0b11]


@pytest.mark.parametrize("name", random_networks.networks())
def test_activations_in_use_never_overlap(name):
    steps = kernels.steps(random_networks.networks()[name])
    chosen = [replace(fast_kernels.choose(step), scratch_bytes=100 + step.index) for step in steps]
    for streaming in range(len(steps)):
        plan = export.plan_arena(steps, chosen, streaming)
        outputs = [
            (offset, step.target.bytes) for offset, step in zip(plan.outputs[:-1], steps, strict=False)
        ]
        for index in range(len(steps)):
            in_turn = range(streaming) if index < streaming else [index]
            # What it reads, what it writes, and what those in turn with it read and write; and its scratch.
            used = {output for other in in_turn for output in outputs[max(other - 1, 0) : other + 1]}
            places = sorted([*used, (plan.scratch[index], 100 + steps[index].index)])
            assert all(start % 4 == 0 for start, _ in places)
            assert all(start + size <= following for (start, size), (following, _) in pairwise(places))
            assert sum(places[-1]) <= plan.size


def test_layers_stream_while_they_compute_rows_and_the_arena_has_room(monkeypatch):
    builder = random_networks.Builder(1).conv(4).maxpool(2).conv(4, padding=1).conv(2, stride=2).avgpool(2)
    steps = kernels.steps(builder.conv(2, 2).model())
    chosen = [kernels.specification(step) for step in steps]
    assert [export.plan_arena(steps, chosen, count).size for count in range(4)] == [1352, 1352, 1352, 1424]
    assert export.streaming(steps, chosen) == 3
    monkeypatch.setattr(export, "STREAMING_ARENA", 1423)
    assert export.streaming(steps, chosen) == 2
    assert export.streaming(steps[3:], chosen[3:]) == 0


def test_rows_of_a_layer_depend_on_rows_of_the_one_before(monkeypatch):
    builder = random_networks.Builder(1).conv(4).maxpool(2).conv(4, padding=1).conv(2, stride=2).avgpool(2)
    steps = kernels.steps(builder.conv(2, 2).model())
    chosen = [replace(kernels.specification(step), cycles=1000) for step in steps]
    monkeypatch.setattr(export, "CYCLES_AHEAD", 400)
    monkeypatch.setattr(export, "CYCLES_AT_ONCE", 800)
    assert export.rows_of(steps, chosen) == [
        Rows(output_rows=13, input_rows=28, first_needs=4, next_needs=2, ahead=5, at_once=10),
        Rows(output_rows=13, input_rows=13, first_needs=2, next_needs=1, ahead=5, at_once=10),
        Rows(output_rows=6, input_rows=13, first_needs=3, next_needs=2, ahead=2, at_once=4),
        Rows(output_rows=1, input_rows=6, first_needs=6, next_needs=1, ahead=0, at_once=1),
        Rows(output_rows=2, input_rows=1, first_needs=1, next_needs=1, ahead=0, at_once=1),
        Rows(output_rows=1, input_rows=2, first_needs=2, next_needs=1, ahead=0, at_once=1),
    ]


def test_a_layer_that_the_watchdog_would_cut_off_is_refused(monkeypatch):
    model = random_networks.Builder(1).conv(4).model()
    monkeypatch.setattr(export, "CYCLES_AT_ONCE", 1)
    monkeypatch.setattr(export, "CYCLES_AT_MOST", 1000)
    complaint = r"layer 0 conv2d 3x3 takes [\d,]+ cycles .* the watchdog allows 1,000"
    with pytest.raises(UserError, match=complaint):
        export.check_fits(model)


@pytest.mark.parametrize("name", random_networks.networks())
def test_a_layer_is_complete_only_when_those_before_it_are(name):
    """Otherwise what follows it could take the memory of what is still to be computed."""
    steps = kernels.steps(random_networks.networks()[name])
    rows = export.rows_of(steps, [fast_kernels.choose(step) for step in steps])
    assert [layer.input_rows for layer in rows[1:]] == [layer.output_rows for layer in rows[:-1]]


def test_a_kernel_of_another_kind_leaves_the_specification_selectable(linear, monkeypatch):
    other = Kernel("other.h", "other({source}, {target}, {scratch});", 1, scratch_bytes=8)
    monkeypatch.setattr(fast_kernels, "fast", lambda layer, step: other)
    text = export.source_text(linear)
    specified, chosen = text.split("#else")
    assert "#ifdef NETWORK_SPECIFICATION" in specified and "linear_logits(" in specified
    assert "other(image, logits, arena.words + 0);" in chosen and "linear_logits(" not in chosen


def test_the_header_tells_what_the_firmware_wants_to_know(linear, tmp_path):
    export.export(linear, tmp_path)
    text = (tmp_path / "model.h").read_text()
    defined = dict(re.findall(r"#define (MODEL_\w+) (.+)", text))
    assert defined["MODEL_NAME"] == '"linear"'
    assert defined["MODEL_CHECKSUM"] == f"0x{linear.checksum:08x}u"
    assert (defined["MODEL_ROWS"], defined["MODEL_COLS"], defined["MODEL_CLASSES"]) == ("28", "28", "10")
    assert 2**30 <= int(defined["MODEL_CENTI_MULTIPLIER"]) < 2**31
    assert 1 <= int(defined["MODEL_CENTI_SHIFT"]) <= 62


@pytest.mark.parametrize("scale", [2e-8, 1e-5, 3.14159e-3, 1 / 100, 0.011])
def test_hundredths_of_the_logits_are_right_to_half_a_hundredth(scale):
    model = Model("scales", (Linear(np.full((10, 784), -9, np.int8), np.zeros(10, np.int32)),), scale)
    multiplier, shift = export.centi_scale(model)
    for logit in [0, 1, -1, 12_345, -987_654, 1_799_280, -1_799_280]:
        hundredths = (logit * multiplier + (1 << (shift - 1))) >> shift
        assert hundredths == pytest.approx(logit * scale * 100, rel=1e-9, abs=0.5001)


@pytest.mark.parametrize("scale", [1e300, 100.0, 1e-300])
def test_logits_that_cannot_be_printed_are_refused(linear, scale, tmp_path):
    with pytest.raises(UserError, match="too large or too small for the board to print"):
        export.export(Model("odd", linear.layers, scale), tmp_path)


def test_a_second_export_writes_nothing(linear, tmp_path):
    first = export.export(linear, tmp_path)
    assert first.written == (tmp_path / "model.h", tmp_path / "model.c")
    times = [path.stat().st_mtime_ns for path in first.written]
    assert export.export(linear, tmp_path).written == ()
    assert [path.stat().st_mtime_ns for path in first.written] == times


def test_lines_of_the_generated_c_are_short(linear):
    for text in (export.header_text(linear), export.source_text(linear)):
        assert max(map(len, text.splitlines())) <= 120
        assert text.endswith("}\n") or text.endswith("#endif\n")


def test_the_report_counts_bytes_and_multiplications(linear):
    report = export.measure(linear)
    (cost,) = report.layers
    assert (cost.layer, cost.output, cost.weight_bits) == ("0 linear", (10,), 8)
    assert (cost.weight_bytes, cost.activation_bytes, cost.macs) == (7840 + 40, 40, 7840)
    assert report.flash_available == 64 * 1024 and report.sram_available == 20 * 1024
    assert report.flash_needed == export.FIRMWARE_FLASH + export.LAYER_FLASH + 7880
    table = str(report)
    assert "0 linear" in table and "7,840" in table and "of 65,536 bytes" in table


def test_a_model_too_big_is_refused_with_both_memories_named(linear, tmp_path, monkeypatch):
    monkeypatch.setattr(chip, "memories", lambda: (Memory(0, 16 * 1024), Memory(0, 20 * 1024)))
    flash, sram = export.FIRMWARE_FLASH + export.LAYER_FLASH + 7880, export.FIRMWARE_SRAM
    with pytest.raises(
        UserError,
        match=f"needs {flash:,} bytes of flash and {sram:,} of SRAM, and there are 16,384 and 20,480",
    ):
        export.export(linear, tmp_path / "generated")
    assert not (tmp_path / "generated").exists()


def test_the_chips_memory_is_read_from_the_linkers_layout(tmp_path):
    assert chip.memories() == (Memory(0x08000000, 64 * 1024), Memory(0x20000000, 20 * 1024))
    broken = tmp_path / "memory.ld"
    broken.write_text("FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 16K\n")
    with pytest.raises(UserError, match="has no line `SRAM"):
        chip.memories(broken)
    with pytest.raises(UserError, match="cannot be read"):
        chip.memories(tmp_path / "none.ld")


def test_the_memory_is_that_of_the_boards_chip(tmp_path, monkeypatch):
    monkeypatch.setattr(chip, "BOARDS", tmp_path)
    description = tmp_path / "mine" / "board.cmake"
    description.parent.mkdir()
    description.write_text("# A larger one.\nset(CHIP stm32f103)\nset(CHIP_MEMORY stm32f103cb)\n")
    assert chip.memory_layout("mine") == CHIPS / "stm32f103" / "memory" / "stm32f103cb.ld"
    description.write_text("set(CHIP stm32f103)\n")
    with pytest.raises(UserError, match=r"has no line `set\(CHIP_MEMORY"):
        chip.memory_layout("mine")


def test_a_place_that_cannot_be_written_is_one_sentence(linear, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"cannot be written: .*\.$"):
        export.export(linear, tmp_path / "file")
