"""The continuous integration of GitHub runs what the README promises, where it promises it."""

from typing import Any

import yaml

from common.paths import ROOT
from tooling.setup import tools

WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


def job() -> dict[str, Any]:
    jobs: dict[str, dict[str, Any]] = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    return jobs["test"]


def commands() -> list[str]:
    return [step["run"] for step in job()["steps"] if "run" in step]


def test_the_two_commands_are_those_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    typed = [command for command in commands() if command.startswith("./inv ")]
    assert typed == ["./inv sim-test", "./inv test"]
    assert all(f"    {command} " in readme for command in typed)


def test_three_systems_are_tried() -> None:
    runners = [entry["runner"] for entry in job()["strategy"]["matrix"]["include"]]
    assert [runner.split("-")[0] for runner in runners] == ["ubuntu", "ubuntu", "macos"]
    assert [runner.endswith("-arm") for runner in runners] == [False, True, False]


def test_macos_gets_the_packages_that_doctor_names() -> None:
    [line] = [command for command in commands() if command.startswith("brew install ")]
    assert line.split()[2:] == [*tools.COMPILER.brew, *tools.QEMU.brew]


def test_the_cached_folder_and_the_kept_logs_exist_in_the_project() -> None:
    steps = {step["name"]: step["with"] for step in job()["steps"] if "name" in step and "with" in step}
    key = steps["Cache Renode"]["key"]
    [source] = [part.split("'")[1] for part in key.split("hashFiles(")[1:]]
    assert (ROOT / source).is_file()
    assert steps["Cache Renode"]["path"] == ".tools"
    assert "build/robot" in steps["Keep the logs"]["path"].split()
