"""What a model takes of the chip is counted, and a model that takes too much is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import random_networks

from common.errors import UserError
from common.paths import MODELS
from compiler import codegen, model_file, resources, schedule, target
from compiler.network import Model
from compiler.target import Memory

AROUND_LINEAR = target.firmware(784, tuple("0123456789"))


@pytest.fixture
def linear() -> Model:
    return model_file.load(MODELS / "linear.npz")


def test_the_report_counts_bytes_and_multiplications(linear: Model) -> None:
    report = resources.measure(linear)
    (cost,) = report.steps
    assert (cost.title, cost.output, cost.weight_bits) == ("0 linear", (10,), 8)
    assert (cost.constant_bytes, cost.output_bytes, cost.macs) == (7840 + 40, 40, 7840)
    assert report.flash_available == 64 * 1024 and report.sram_available == 20 * 1024
    assert report.flash_needed == AROUND_LINEAR.flash + cost.code_bytes + 7880
    table = str(report)
    assert "0 linear" in table and "7,840" in table and "of 65,536 bytes" in table


def test_a_model_too_big_is_refused_with_both_memories_named(
    linear: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target, "memories", lambda _: (Memory(0, 16 * 1024), Memory(0, 20 * 1024)))
    flash, sram = resources.measure(linear).flash_needed, AROUND_LINEAR.sram
    with pytest.raises(
        UserError,
        match=f"needs {flash:,} bytes of flash and {sram:,} of SRAM, and there are 16,384 and 20,480",
    ):
        codegen.export(linear, tmp_path / "generated")
    assert not (tmp_path / "generated").exists()


def test_a_model_is_compared_with_the_chip_of_the_board_that_is_built(
    linear: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A larger and a smaller part of the family."""
    monkeypatch.setattr(target, "BOARDS", tmp_path / "boards")
    monkeypatch.setattr(target, "CHIPS", tmp_path / "chips")
    layout = "FLASH (rx) : ORIGIN = 0x08000000, LENGTH = {}K\nSRAM (rw) : ORIGIN = 0x20000000, LENGTH = 20K\n"
    (tmp_path / "chips" / "f1" / "memory").mkdir(parents=True)
    for name, size in (("large", 128), ("small", 16)):
        (tmp_path / "boards" / name).mkdir(parents=True)
        (tmp_path / "boards" / name / "board.cmake").write_text(f"set(CHIP f1)\nset(CHIP_MEMORY {name})\n")
        (tmp_path / "chips" / "f1" / "memory" / f"{name}.ld").write_text(layout.format(size))

    assert resources.check_fits(linear, "large").flash_available == 128 * 1024
    codegen.export(linear, tmp_path / "generated", "large")
    with pytest.raises(UserError, match="and there are 16,384"):
        codegen.export(linear, tmp_path / "generated", "small")


def test_a_layer_that_the_watchdog_would_cut_off_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = random_networks.Builder(1).conv(4).model()
    monkeypatch.setattr(schedule, "CYCLES_PER_CALL", 1)
    monkeypatch.setattr(schedule, "CYCLES_PER_CALL_LIMIT", 1000)
    complaint = r"layer 0 conv2d 3x3 takes [\d,]+ cycles .* the watchdog allows 1,000"
    with pytest.raises(UserError, match=complaint):
        resources.check_fits(model)
