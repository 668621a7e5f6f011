"""The script that stands before Renode's renode-test, with a stand-in for Renode's."""

from pathlib import Path

import pytest

from common.errors import UserError
from tooling import build
from tooling.setup import renode
from tooling.suites import renode_test

MODEL = Path("/models/linear.npz")
SUITE = "*** Test Cases ***\nOne\n    [Tags]    any\n    No Operation\n"

# Does what Renode's script does to the results; its last argument is the last suite.
FAKE_RUNNER = """#!/bin/sh
echo "$@" >"{log}"
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
    """Puts the stand-in in the place of Renode's script; the file returned tells how it was called."""
    return install_runner(tmp_path, monkeypatch)


def install_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str = "") -> Path:
    runner, log = tmp_path / "renode-test", tmp_path / "call.txt"
    runner.write_text(FAKE_RUNNER.format(log=log, python="python", options=options))
    runner.chmod(0o755)
    monkeypatch.setattr(renode, "find_runner", lambda: runner)
    monkeypatch.setattr(renode_test.provision, "provide", lambda *_: None)
    monkeypatch.setattr(build, "build", lambda *_: False)
    monkeypatch.setattr(build, "image", lambda *_: Path("/build/linear/firmware.elf"))
    monkeypatch.setattr(renode_test, "RESULTS", tmp_path / "results")
    return log


def test_folders_are_expanded_in_order(suites: Path) -> None:
    expanded = renode_test.expand(suites)

    assert [str(path.relative_to(suites)) for path in expanded] == ["a.robot", "b.robot", "more/c.robot"]


def test_values_of_options_are_no_suites(suites: Path) -> None:
    arguments = ["--include", "smoke", "-n", "3", "-r", str(suites), str(suites / "a.robot"), "--show-log"]

    options, found = renode_test.split(arguments)

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
    assert renode_test.results_directory(options) == expected


def test_a_folder_is_handed_over_as_suites(suites: Path, fake_renode: Path) -> None:
    assert renode_test.run([str(suites)], MODEL) == 0

    call = fake_renode.read_text().split()
    assert call[-3:] == [str(suites / name) for name in ("a.robot", "b.robot", "more/c.robot")]
    assert f"MODEL:{MODEL}" in call
    assert "FIRMWARE:/build/linear/firmware.elf" in call


def test_nothing_to_run_is_a_failure(tmp_path: Path, fake_renode: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()

    for arguments in ([], [str(empty)], ["--verbose"]):
        with pytest.raises(UserError, match="nothing to run"):
            renode_test.run(arguments, MODEL)
    assert not fake_renode.exists()


def test_a_run_without_a_test_is_a_failure(
    suites: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_runner(tmp_path, monkeypatch, options="--skip any")
    with pytest.raises(UserError, match="no test was executed"):
        renode_test.run([str(suites)], MODEL)

    results = tmp_path / "results" / "robot_output.xml"
    assert results.is_file()
    install_runner(tmp_path, monkeypatch, options="--nonsense || exit 0;")
    with pytest.raises(UserError, match="no test was executed"):
        renode_test.run([str(suites)], MODEL)
    assert not results.exists(), "results of an earlier run must not count"


def test_a_suite_that_is_not_there_is_one_sentence(fake_renode: Path) -> None:
    with pytest.raises(UserError, match=r"missing\.robot is neither a folder nor a \.robot file"):
        renode_test.run(["missing.robot"], MODEL)


def test_without_renode_there_is_one_sentence(suites: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renode, "find_runner", lambda: None)
    monkeypatch.setattr(renode_test.provision, "provide_renode", lambda: "Renode could not be fetched.")

    with pytest.raises(UserError, match=r"^Renode could not be fetched\.$"):
        renode_test.run([str(suites)], MODEL)
