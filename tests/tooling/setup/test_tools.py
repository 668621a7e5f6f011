"""Tools: where they are found, and what a user reads about a missing one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from common.errors import UserError
from tooling import processes
from tooling.setup import doctor, packages, provision, renode, tools


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer with no tool at all; the folder on its PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(processes, "ENVIRONMENT_BIN", folder)
    monkeypatch.setattr(renode, "HOME", tmp_path / "renode")
    return folder


def add_program(folder: Path, name: str, text: str = "#!/bin/sh\n") -> Path:
    program = folder / name
    program.write_text(text)
    program.chmod(0o755)
    return program


def test_our_own_script_is_not_taken_for_renodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder, text in ((ours, "from tooling.suites.renode_test import main"), (theirs, "#!/bin/sh")):
        folder.mkdir()
        add_program(folder, "renode-test", text)
    monkeypatch.setenv("PATH", f"{ours}:{theirs}")

    assert renode.find_runner() == theirs / "renode-test"


def test_st_flash_is_not_promised_by_setup(empty_path: Path) -> None:
    add_program(empty_path, "apt-get")

    with pytest.raises(UserError) as raised:
        tools.require(tools.ST_FLASH)
    assert str(raised.value) == "st-flash not found: type 'sudo apt-get install stlink-tools'."


def test_a_missing_compiler_names_setup_and_the_package(empty_path: Path) -> None:
    add_program(empty_path, "apt-get")

    with pytest.raises(
        UserError, match=r"type '\./inv setup', or type 'sudo apt-get install gcc-arm-none-eabi'"
    ):
        tools.require(tools.COMPILER)


def test_macos_names_homebrews_packages(empty_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    assert tools.how_to_install([tools.COMPILER, tools.QEMU]) == "type 'brew install arm-none-eabi-gcc qemu'"
    assert tools.how_to_install([tools.NATIVE_COMPILER]) == "type 'xcode-select --install'"
    assert "type 'brew install stlink'" in doctor.report()
    assert "brew install arm-none-eabi-gcc qemu" in provision.install_system_tools(tools.SYSTEM_TOOLS)


def test_doctor_never_advises_setup_for_what_setup_does_not_install(empty_path: Path) -> None:
    rows = {line.split()[0]: line for line in doctor.report().splitlines() if line}

    assert "./inv setup" in rows["cmake"] and "./inv setup" in rows["arm-none-eabi-gcc"]
    assert "./inv fuzz" in rows["clang"]
    for name in ("st-flash", "picocom", "clang"):
        assert "./inv setup" not in rows[name]


def test_doctor_ends_with_the_next_command(empty_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "type './inv setup'" in doctor.report().splitlines()[-1]

    for name in ("arm-none-eabi-gcc", "qemu-system-arm", "cc", "cmake", "ninja"):
        add_program(empty_path, name)
    assert doctor.report().splitlines()[-1].startswith("Next: type './inv sim-test', which downloads Renode")

    add_program(empty_path, "renode-test")
    assert doctor.report().splitlines()[-1] == "Next: type './inv sim-test'."


def test_packages_are_named_before_they_are_installed(
    empty_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    printed_before: list[str] = []
    monkeypatch.setattr(packages, "can_install", lambda: True)
    monkeypatch.setattr(packages, "install", lambda _: printed_before.append(capsys.readouterr().out))

    provision.install_system_tools([tools.CLANG])

    assert printed_before == ["Installing these Debian packages with apt-get: clang libclang-rt-dev\n"]


def test_nothing_is_installed_when_that_is_forbidden(
    empty_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("install", "can_install", "pip_install"):
        monkeypatch.setattr(packages, name, lambda *_: pytest.fail("was called"))

    with pytest.raises(UserError, match="cc not found"):
        provision.provide(tools.NATIVE_COMPILER, install=False)
    assert "--no-install" in provision.provide_renode(install=False)


@pytest.mark.parametrize("name", ["renode-clone", "renode-12345", "renode-x/deeper/clone"])
def test_renode_is_not_started_where_it_would_delete_the_clone(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / name
    clone.mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(renode, "ROOT", clone)

    with pytest.raises(
        UserError, match=f"Renode deletes folders like {tmp_path}/{name.partition('/')[0]} when"
    ):
        renode.check_location()

    monkeypatch.setattr(renode, "ROOT", tmp_path / "clone")
    renode.check_location()
    monkeypatch.chdir(clone)
    with pytest.raises(UserError):
        renode.check_location()
