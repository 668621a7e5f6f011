"""Models are found and chosen, memories are counted, tables line up."""

from pathlib import Path

import pytest

from common.errors import UserError
from common.paths import DEFAULT_MODEL, FIRMWARE, RENODE_SCRIPT, ROOT, SUITES
from tooling import build, size
from tooling.setup import tools
from tooling.simulate.simulation import check_simulator
from tooling.suites.robot_results import Counts
from tooling.tables import table


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A models/ folder with two models, and an empty build folder."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in (DEFAULT_MODEL, "mine"):
        (folder / f"{name}.npz").touch()
    monkeypatch.setattr(build, "MODELS", folder)
    monkeypatch.setattr(build, "BUILD", tmp_path / "build")
    return folder


def test_a_model_is_a_name_or_a_file_and_cnn_by_default(models: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "trial.npz"
    elsewhere.touch()

    assert build.model_file("mine") == models / "mine.npz"
    assert build.model_file(str(elsewhere)) == elsewhere
    assert build.model_file() == models / f"{DEFAULT_MODEL}.npz"


def test_a_missing_model_is_one_sentence(models: Path) -> None:
    with pytest.raises(UserError, match=rf"no model 'yours'.* \({DEFAULT_MODEL}, mine\)"):
        build.model_file("yours")


def test_each_model_and_board_has_its_own_folder(models: Path, tmp_path: Path) -> None:
    files = [models / "mine.npz", tmp_path / "mine.npz", tmp_path / "a b.npz", models / "logs.npz"]
    folders = [build.build_folder(file) for file in files]

    assert folders[0] == tmp_path / "build" / "mine"
    assert len({*folders, tmp_path / "build" / "logs"}) == 5
    assert not any(" " in folder.name for folder in folders)
    assert build.image_path(build.NATIVE, files[0]) == folders[0] / "native" / "firmware"
    assert build.image_path(build.BLUEPILL, files[0]) == folders[0] / "bluepill" / "firmware.elf"


def test_a_missing_image_names_the_command_that_builds_it(models: Path) -> None:
    with pytest.raises(UserError, match=r"'\./inv build --board native'"):
        build.image(build.NATIVE)
    with pytest.raises(UserError, match=r"'\./inv build --board bluepill --model mine'"):
        build.image(build.BLUEPILL, models / "mine.npz")


def test_the_default_model_is_the_same_everywhere() -> None:
    default = build.image_path(build.BLUEPILL).relative_to(ROOT)

    assert f"/../{default}" in RENODE_SCRIPT.read_text()
    assert f"/../build/{DEFAULT_MODEL}/${{presetName}}" in (FIRMWARE / "CMakePresets.json").read_text()
    assert f"/../models/{DEFAULT_MODEL}.npz" in (SUITES / "board.resource").read_text()


def test_each_board_needs_its_compiler() -> None:
    needs = {name: board.needs[-1] for name, board in build.BOARDS.items()}

    assert needs[build.BLUEPILL] is tools.COMPILER
    assert needs[build.NATIVE] is needs[build.SANITIZED] is tools.NATIVE_COMPILER
    assert needs[build.FUZZ] is tools.CLANG


def test_names_of_boards_and_simulators_are_checked() -> None:
    with pytest.raises(UserError, match="no board 'redpill': choose blackpill, bluepill, qemu, native"):
        build.build("redpill")
    with pytest.raises(UserError, match="no simulator 'simics': choose renode, qemu, native"):
        check_simulator("simics")


def test_what_is_no_elf_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "firmware.elf").write_bytes(b"not an ELF file")
    with pytest.raises(UserError, match="cannot be read as an ELF file"):
        size.measure(tmp_path / "firmware.elf")
    with pytest.raises(UserError, match="cannot be read as an ELF file"):
        size.measure(tmp_path / "missing.elf")


@pytest.mark.skipif(bool(tools.missing(build.BOARDS[build.BLUEPILL].needs)), reason="needs arm-none-eabi-gcc")
def test_the_firmware_fits_and_its_sections_add_up() -> None:
    build.build(build.BLUEPILL)
    measured = size.measure(build.image(build.BLUEPILL))

    assert 0 < measured.flash <= measured.flash_available == 64 * 1024
    assert 0 < measured.sram <= measured.sram_available == 20 * 1024
    assert measured.flash == build.image(build.BLUEPILL).with_suffix(".bin").stat().st_size
    assert sum(symbol.size for symbol in measured.symbols if symbol.memory == "flash") <= measured.flash


def test_tables_line_up() -> None:
    assert table([("name", "n"), ("x", "10")]) == "name  n\n----- --\nx     10"


def test_counts_add_up() -> None:
    total = sum((Counts(3, 1, 2), Counts(passed=4)), Counts())

    assert str(total) == "7 passed, 1 failed, 2 skipped"
    assert total.executed == 8
