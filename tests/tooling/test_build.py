"""Models are found and chosen, memories are counted, tables line up."""

from pathlib import Path

import pytest

from common.errors import UserError
from tooling import build
from tooling.checks import _junit_counts
from tooling.measure import size
from tooling.suites import suites
from tooling.suites.robot_results import Counts
from tooling.tables import table


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models/ folder with two models, and a build folder of the test's own."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in (build.DEFAULT_MODEL, "mine"):
        (folder / f"{name}.npz").touch()
    monkeypatch.setattr(build, "MODELS", folder)
    monkeypatch.setattr(build, "BUILD", tmp_path / "build")
    monkeypatch.setattr(build, "_CHOICE", tmp_path / "build" / "model.txt")
    return folder


def test_the_default_model_is_built_until_another_is_chosen(models: Path, tmp_path: Path) -> None:
    assert build.model_file() == models / f"{build.DEFAULT_MODEL}.npz"

    build.choose_model(models / "mine.npz")
    assert build.model_file() == models / "mine.npz"

    elsewhere = tmp_path / "trial.npz"
    elsewhere.touch()
    build.choose_model(elsewhere)
    assert build.model_file() == elsewhere

    build.choose_model(models / f"{build.DEFAULT_MODEL}.npz")
    assert build.model_file() == models / f"{build.DEFAULT_MODEL}.npz"


def test_a_model_that_is_not_there_is_one_sentence(models: Path) -> None:
    with pytest.raises(UserError, match=rf"no model 'yours'.* \({build.DEFAULT_MODEL}, mine\)"):
        build.model_file("yours")


def test_names_of_boards_and_simulators_are_checked() -> None:
    with pytest.raises(UserError, match="no board 'redpill': choose blackpill, bluepill, native"):
        build.build("redpill")
    with pytest.raises(UserError, match="no simulator 'simics': choose renode, qemu, native"):
        suites.choose("simics")


def test_what_is_no_elf_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "firmware.elf").write_bytes(b"not an ELF file")
    with pytest.raises(UserError, match="cannot be read as an ELF file"):
        size.measure(tmp_path / "firmware.elf")
    with pytest.raises(UserError, match="cannot be read as an ELF file"):
        size.measure(tmp_path / "missing.elf")


@pytest.mark.skipif(not build.BOARDS[build.BLUEPILL].image.is_file(), reason="the firmware is not built")
def test_the_firmware_fits_and_its_sections_add_up() -> None:
    measured = size.measure(build.BOARDS[build.BLUEPILL].image)

    assert 0 < measured.flash <= measured.flash_available == 64 * 1024
    assert 0 < measured.sram <= measured.sram_available == 20 * 1024
    assert measured.flash == build.BOARDS[build.BLUEPILL].image.with_suffix(".bin").stat().st_size
    assert sum(symbol.size for symbol in measured.symbols if symbol.memory == "flash") <= measured.flash


def test_tables_line_up() -> None:
    assert table([("name", "n"), ("x", "10")]) == "name  n\n----  --\nx     10"


def test_counts_add_up() -> None:
    total = sum((Counts(3, 1, 2), Counts(passed=4)), Counts())

    assert str(total) == "7 passed, 1 failed, 2 skipped"
    assert total.executed == 8


def test_pytests_results_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "pytest.xml"
    path.write_text('<testsuites><testsuite tests="9" failures="1" errors="2" skipped="3"/></testsuites>')
    assert _junit_counts(path) == Counts(3, 3, 3)

    path.write_text("<testsuites><testsu")
    with pytest.raises(UserError, match="before it could write"):
        _junit_counts(path)
