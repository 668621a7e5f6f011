"""The profile and the bench tell layers apart, and refuse a firmware that computes something else."""

from __future__ import annotations

import re
from pathlib import Path

import network_builds
import numpy as np
import pytest
from random_networks import Builder

from common.errors import UserError
from compiler.network import Model
from data import mnist
from host import link
from host.board import Board
from tooling import build

pytest.importorskip("unicorn", exc_type=ImportError)

from tooling.measure import cortex_m3


@pytest.fixture(scope="module")
def model() -> Model:
    return Builder(1).conv(2, 7, stride=7).maxpool(2).avgpool(2).model()


@pytest.fixture
def elf(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network without the link, whose part is a number."""
    from tooling.measure.profile import arrival

    network_builds.arm_machine(model, tmp_path)
    monkeypatch.setattr(arrival, "cycles_per_byte", lambda machine: 300)
    return tmp_path / "network.elf"


def test_layers_and_their_sum(model: Model, elf: Path) -> None:
    from tooling.measure.profile import measure

    image = mnist.load_test_set().images[0]
    found = measure.measure(elf, model, image)
    assert [layer.name for layer in found.layers] == [
        "0 conv2d 7x7 + maxpool2d 2x2",
        "2 avgpool2d 2x2",
        "3 linear",
    ]
    assert [layer.macs for layer in found.layers] == [2 * 16 * 49, 0, 2 * 10]
    assert [layer.kernel for layer in found.layers] == ["conv2d", "avgpool2d", "linear"]
    assert all(layer.cycles > layer.instructions > 0 for layer in found.layers)
    assert found.layers[0].flash > 2 * 49 and found.layers[1].flash > 0
    assert [layer.sram for layer in found.layers] == [2 * 2 * 2, 2, 0]
    _, execution = cortex_m3.Machine(elf).classify(image.tobytes(), 10)
    assert (execution.total.instructions, execution.total.cycles) == (found.instructions, found.cycles)
    assert 0 < found.rest.cycles < found.cycles / 10


def test_what_is_left_after_an_image_has_arrived(model: Model, elf: Path) -> None:
    """The slower it arrives, the less is left; the convolution of 7 rows out of 28 begins with the 14th."""
    from tooling.measure.profile import measure

    image = mnist.load_test_set().images[0]
    found = measure.measure(elf, model, image)
    assert [arrival.baud for arrival in found.arrivals] == [115_200, 1_000_000, 2_000_000]
    left = [arrival.after for arrival in found.arrivals]
    assert 0 < left[0] < left[1] <= left[2]
    assert left[0] < found.cycles / 2
    for arrival in found.arrivals:
        assert arrival.request == len(link.encode_frame(link.Command.CLASSIFY, 0, image.tobytes()))
        assert found.cycles < arrival.computing < 1.2 * found.cycles


def test_what_a_byte_takes() -> None:
    """At 2 Mbaud one arrives every 360 cycles: it must take less."""
    from tooling.measure.profile import arrival

    network_builds.compiler("arm-none-eabi-gcc")
    build.build(build.BLUEPILL)
    firmware = build.image(build.BLUEPILL)
    assert 100 < arrival.cycles_per_byte(cortex_m3.Machine(firmware)) < 360


def test_the_report_and_the_picture(model: Model, elf: Path, tmp_path: Path) -> None:
    from tooling.measure.profile import report

    digits = mnist.load_test_set()
    found, text = report.report(elf, model, digits, 3)
    assert re.search(
        rf"^total +{found.macs:,} +{found.instructions:,} +{found.cycles:,} ", text, re.MULTILINE
    )
    assert all(re.search(rf"^ *{rate} +[0-9.]+ ms ", text, re.MULTILINE) for rate in ("115,200", "2,000,000"))
    assert f"{found.arena:,} bytes of activations" in text
    assert max(map(len, text.splitlines())) <= 140
    report.plot(found, model.name, tmp_path / "pictures" / "profile.png")
    assert (tmp_path / "pictures" / "profile.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UserError, match="no image 10000: choose 0 to 9999"):
        report.report(elf, model, digits, 10_000)


def test_another_models_firmware_is_refused(elf: Path) -> None:
    from tooling.measure.profile import measure

    other = Builder(2).conv(2, 7, stride=7).maxpool(2).avgpool(2).model()
    with pytest.raises(UserError, match="computes something else than the model"):
        measure.measure(elf, other, np.full((28, 28), 99, np.uint8))


def test_the_bench_compares_kernels_and_floating_point(
    firmware_command: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tooling.measure import bench

    monkeypatch.setattr(bench, "_FOLDER", tmp_path / "bench")

    found = bench.measure(Builder(3).model(), mnist.load_test_set().images[0])
    (layer,) = found.layers
    assert found.floating_point is not None
    assert layer.kernel == "linear_paired" and layer.macs == 7840
    assert layer.fast < layer.portable < layer.reference < found.floating_point.cycles
    assert "times the fast kernel" in bench._report(found)


def test_one_execution_is_found_in_a_trace() -> None:
    from tooling.measure.renode_trace import first_execution

    boot, call, inside, interrupt = [0x100, 0x102], 0x104, [0x200, 0x202, 0x206], [0x300, 0x302]
    trace = [*boot, call, *inside[:2], *interrupt, inside[2], call + 4, 0x10A, call, *inside]
    assert first_execution(iter(trace), 0x200).tolist() == [0x200, 0x202, 0x300, 0x302, 0x206]
    assert not first_execution(iter(boot), 0x200)
    assert not first_execution(iter([call, *inside]), 0x200)


def test_only_conditional_instructions_may_be_skipped() -> None:
    from tooling.measure.renode_trace import skipped

    def two_after_20(address: int) -> int:
        return 2 if address == 20 else 0

    assert skipped([10, 20, 21, 22, 30], [10, 20, 21, 22, 30], two_after_20) == 0
    assert skipped([10, 20, 21, 22, 30], [10, 20, 22, 30], two_after_20) == 1
    assert skipped([10, 20, 21, 22, 30], [10, 20, 30], two_after_20) == 2
    assert skipped([10, 20, 21, 22, 30], [10, 20, 21, 22], two_after_20) is None
    assert skipped([10, 20, 21, 22], [10, 20, 21, 22, 30], two_after_20) is None


def test_the_emulator_tells_what_a_function_returned(elf: Path) -> None:
    machine = cortex_m3.Machine(elf)
    assert machine.call("network_rows", bytes(784), 6).value == 0
    assert machine.call("network_rows", bytes(784), 28).value == 1


def test_the_emulator_records_addresses_where_asked(elf: Path) -> None:
    image = bytes(784)
    _, execution = cortex_m3.Machine(elf, records=True).classify(image, 10)
    assert len(execution.addresses) == execution.total.instructions
    assert not cortex_m3.Machine(elf).classify(image, 10)[1].addresses


def test_the_answer_is_the_boards() -> None:
    """Of the native build, which has no cycle counter."""
    from tooling.measure.profile import report
    from tooling.simulate import native

    try:
        build.build(build.NATIVE)
    except UserError as reason:
        pytest.skip(str(reason))
    image = mnist.load_test_set().images[0]
    lines: list[str] = []
    with (
        native.start(build.image(build.NATIVE)) as simulation,
        Board.open(simulation.url, on_line=lines.append) as board,
    ):
        lines.clear()
        answer = board.classify(image)
    assert tuple(lines[:2]) == report.GREETING
    expected = report.result_line(answer.label, answer.logits, 0)
    assert re.sub(r"seq=.*label| cycles=.*", "", expected) == re.sub(r"seq=.*label| #.*", "", lines[2])
