"""The script that stands before Renode's renode-test, with a fake in the place of Renode's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from common.errors import UserError
from tooling import build
from tooling.setup import provision, renode
from tooling.simulate import qemu
from tooling.simulate import renode as simulated
from tooling.simulate.simulation import NATIVE, QEMU
from tooling.suites import renode_runner, renode_test, selection
from tooling.suites import suites as runs

MODEL = Path("/models/linear.npz")
SUITE = "*** Test Cases ***\nOne\n    [Tags]    any\n    No Operation\n"

# Writes results as Renode's script does; its last argument is the last suite.
FAKE_RUNNER = """#!/bin/sh
echo "$PWD" >"{log}"
for word in "$@"; do echo "$word" >>"{log}"; done
while [ $# -gt 1 ]; do if [ "$1" = -r ]; then results=$2; fi; shift; done
{python} -m robot --output robot_output.xml --log NONE --report NONE --outputdir "$results" \\
    {options} "$1"
"""


@pytest.fixture
def suites(tmp_path: Path) -> Path:
    folder = tmp_path / "suites"
    (folder / "more").mkdir(parents=True)
    for name in ("b.robot", "a.robot", "more/c.robot"):
        (folder / name).write_text(SUITE)
    (folder / "vocabulary.resource").write_text("*** Keywords ***\n")
    (folder / "__init__.robot").write_text("*** Settings ***\nDocumentation    A folder.\n")
    return folder


@pytest.fixture
def fake_renode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Installs the fake; returns the file to which it writes its working folder and its arguments."""
    return install_runner(tmp_path, monkeypatch)


def install_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str = "") -> Path:
    runner, log = tmp_path / "renode-test", tmp_path / "call.txt"
    runner.write_text(FAKE_RUNNER.format(log=log, python=sys.executable, options=options))
    runner.chmod(0o755)
    monkeypatch.setattr(renode, "find_runner", lambda: runner)
    monkeypatch.setattr(renode, "find_renode", lambda: runner)
    monkeypatch.setattr(provision, "provide", lambda *_, **__: None)
    monkeypatch.setattr(build, "build", lambda *_: False)
    monkeypatch.setattr(build, "image", lambda *_: Path("/build/linear/firmware.elf"))
    monkeypatch.setattr(build, "model_file", lambda name="": MODEL.with_stem(name))
    monkeypatch.setattr(renode_runner, "RESULTS", tmp_path / "results")
    return log


def remove_renode(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer without Renode, which cannot be downloaded either."""
    monkeypatch.setattr(renode, "find_runner", lambda: None)
    monkeypatch.setattr(provision, "provide_renode", lambda **_: "Renode could not be downloaded.")
    monkeypatch.setattr(provision, "provide", lambda *_, **__: None)
    monkeypatch.setattr(build, "build", lambda *_: False)
    monkeypatch.setattr(build, "image", lambda *_: Path("/build/linear/firmware.elf"))


def test_folders_are_expanded_in_order(suites: Path) -> None:
    expanded = selection.expand(suites)

    assert [str(path.relative_to(suites)) for path in expanded] == ["a.robot", "b.robot", "more/c.robot"]


def test_values_of_options_are_no_suites(suites: Path) -> None:
    arguments = ["--include", "smoke", "-n", "3", "-r", str(suites), str(suites / "a.robot"), "--show-log"]

    options, found = renode_runner.split(arguments)

    assert options == ["--include", "smoke", "-n", "3", "-r", str(suites), "--show-log"]
    assert found == [suites / "a.robot"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], None),
        (["-r", "/x"], Path("/x")),
        (["-r/x"], Path("/x")),
        (["--results-dir=/x", "--verbose"], Path("/x")),
        (["--results-dir", "/x", "-r", "/y"], Path("/y")),
        (["--runner", "none"], None),
    ],
)
def test_the_results_directory_is_the_callers(options: list[str], expected: Path | None) -> None:
    assert renode_runner.results_directory(options) == expected


def test_a_folder_becomes_its_suites(suites: Path, fake_renode: Path) -> None:
    assert renode_test.run([str(suites), "--variable", "MODEL:linear"]) == 0

    call = fake_renode.read_text().splitlines()[1:]
    assert call[-3:] == [str(suites / name) for name in ("a.robot", "b.robot", "more/c.robot")]
    assert [word for word in call if word.startswith("MODEL:")] == [f"MODEL:{MODEL}"]
    assert "FIRMWARE:/build/linear/firmware.elf" in call


def test_renode_sees_no_blanks(suites: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = tmp_path / "a clone"
    suites.rename(clone)
    log = install_runner(tmp_path, monkeypatch)
    monkeypatch.setattr(renode_runner, "ROOT", clone)
    monkeypatch.setattr(renode_runner, "RESULTS", clone / "results")
    monkeypatch.setattr(build, "image", lambda *_: clone / "build" / "firmware.elf")
    monkeypatch.chdir(clone)

    assert renode_test.run(["a.robot"]) == 0

    words = log.read_text().splitlines()
    assert not any(" " in word for word in words)
    assert words[0].endswith("/clone") and words[-1].endswith("/clone/a.robot")
    assert (clone / "results" / "robot_output.xml").is_file()


def test_renode_is_not_started_where_it_would_delete_the_clone(
    suites: Path, tmp_path: Path, fake_renode: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "renode-clone"
    clone.mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(renode, "ROOT", clone)

    with pytest.raises(UserError, match=r"Renode deletes folders like .*renode-clone when it starts"):
        renode_test.run([str(suites)])
    with pytest.raises(UserError, match="Renode deletes"), simulated.start(tmp_path / "firmware.elf"):
        pass
    assert not fake_renode.exists() or "--version" in fake_renode.read_text()  # which deletes nothing


def test_nothing_to_run_is_a_failure(tmp_path: Path, fake_renode: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    for arguments in ([], [str(empty)], ["--verbose"]):
        with pytest.raises(UserError, match="No suite was selected"):
            renode_test.run(arguments)
    assert not fake_renode.exists()


def test_a_run_without_a_test_is_a_failure(
    suites: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_runner(tmp_path, monkeypatch, options="--skip any")
    with pytest.raises(UserError, match="no test was executed"):
        renode_test.run([str(suites)])

    results = tmp_path / "results" / "robot_output.xml"
    assert results.is_file()
    install_runner(tmp_path, monkeypatch, options="--nonsense || exit 0;")
    with pytest.raises(UserError, match="no test was executed"):
        renode_test.run([str(suites)])
    assert not results.exists(), "results of an earlier run must not count"


def test_a_failed_test_is_a_failure(suites: Path, fake_renode: Path) -> None:
    (suites / "more" / "c.robot").write_text("*** Test Cases ***\nOne\n    Fail\n")

    assert renode_test.run([str(suites)]) == 1


def test_a_missing_suite_is_one_sentence(fake_renode: Path) -> None:
    with pytest.raises(UserError, match=r"missing\.robot is neither a folder nor a \.robot file"):
        renode_test.run(["missing.robot"])


@pytest.mark.parametrize("fits", [True, False])
def test_without_renode_the_suites_run_on_another_simulator(
    fits: bool, suites: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    remove_renode(monkeypatch)

    def require_room(_: Path) -> None:
        if not fits:
            raise UserError("This firmware is too large.")

    monkeypatch.setattr(qemu, "require_room", require_room)

    assert renode_test.run([str(suites), "--include", "any", "--retry", "3"]) == 0

    title = runs.title(QEMU if fits else NATIVE)
    lines = [line for line in capfd.readouterr().out.splitlines() if line != "This firmware is too large."]
    assert lines[:2] == [
        "Renode could not be downloaded.",
        f"Running the suites on {title}, not on Renode.",
    ]
    assert "Options for Renode only, which are left out: --retry 3" in lines
    assert lines[-1].startswith(f"3 passed, 0 failed, 0 skipped on {title}, not on Renode in ")


def test_renode_can_be_required(suites: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remove_renode(monkeypatch)
    monkeypatch.setenv("RENODE_REQUIRED", "1")

    with pytest.raises(UserError, match=r"^Renode could not be downloaded\.$"):
        renode_test.run([str(suites)])
    monkeypatch.setenv("RENODE_REQUIRED", "0")
    monkeypatch.setattr(qemu, "require_room", lambda _: None)
    assert runs.choose("", MODEL).simulator == QEMU


def test_options_of_robot_framework_are_kept() -> None:
    options = ["--variable=MODEL:max", "--exclude", "slow", "-j", "2", "--variable", "X:1", "--verbose"]

    name, others = renode_test.take_model(options)

    assert name == "max"
    assert others == ["--exclude", "slow", "-j", "2", "--variable", "X:1", "--verbose"]
    assert renode_test.for_robot(others) == ["--exclude", "slow", "--variable", "X:1"]
