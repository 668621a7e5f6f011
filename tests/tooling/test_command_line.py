"""What a user types, and what the tasks answer before they do anything."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from clones import Clone

from common.paths import ROOT


def listed(clone: Clone) -> list[str]:
    return re.findall(r"^  ([a-z-]+)  +\S", clone.run(["--list"]).stdout, re.MULTILINE)


def refused(clone: Clone, *arguments: str) -> str:
    """The one sentence with which a task refuses before it does anything."""
    finished = clone.run(arguments)
    assert finished.returncode == 1
    assert finished.stdout == ""
    assert len(finished.stderr.splitlines()) == 1, finished.stderr
    return finished.stderr


def test_the_list_is_in_groups_with_the_first_tasks_first(clone: Clone) -> None:
    output = clone.run(["--list"]).stdout

    assert output.startswith("First steps:\n  sim-test ")
    assert re.findall(r"^(\S.*):$", output, re.MULTILINE)[:2] == ["First steps", "The firmware"]
    assert listed(clone)[:3] == ["sim-test", "demo", "sim"]
    assert output == clone.run([]).stdout


def test_help_names_values_and_defaults(clone: Clone) -> None:
    output = clone.run(["--help", "profile"]).stdout

    assert output.startswith("Usage: ./inv profile [options]\n\nShow where the cycles")
    assert re.search(
        r"^  -i, --image N +a number of the test images beside the model file", output, re.MULTILINE
    )
    assert re.search(r"^  -m, --model MODEL .*\(default: cnn\)$", output, re.MULTILINE)
    assert re.search(r"^  --plot +also draw|^  -p, --plot +also draw", output, re.MULTILINE)


def test_every_option_of_every_task_has_a_help_text(clone: Clone) -> None:
    for name in listed(clone):
        output = clone.run(["--help", name]).stdout
        assert not re.search(r"^  \S[^ ]*(, --\S+)?( [A-Z.]+)?\s*$", output, re.MULTILINE), output


@pytest.mark.parametrize("task", ["train", "infer", "sim-test"])
def test_h_after_any_task_shows_its_help(task: str, clone: Clone) -> None:
    finished = clone.run([task, "-h"])
    assert finished.returncode == 0 and finished.stdout.startswith(f"Usage: ./inv {task} ")


def test_help_after_a_task_with_a_positional_option(clone: Clone) -> None:
    output = clone.run(["infer", "--help"]).stdout

    assert output.startswith("Usage: ./inv infer [IMAGE...] [options]")
    assert re.search(r"^  IMAGE\.\.\. +numbers of the test set, PNG or JPEG files", output, re.MULTILINE)
    assert output == clone.run(["--help", "infer"]).stdout


def test_sims_help_names_every_simulator(clone: Clone) -> None:
    output = clone.run(["--help", "sim"]).stdout

    assert "Boot the firmware on a simulator" in output
    assert re.search(r"--on SIMULATOR +renode, qemu or native \(default: renode\)", output)


def test_no_task_accepts_invokes_dry_mode(clone: Clone) -> None:
    names = listed(clone)
    assert {"flash", "clean", "sim-test", "infer"} <= set(names)
    for name in names:
        assert f"{name} has no dry mode of Invoke" in refused(clone, name, "--dry")
    assert "Its own option is --dry-run" in refused(clone, "flash", "--dry")


def test_a_refused_flash_does_not_start_st_flash(clone: Clone, tmp_path: Path) -> None:
    probe = tmp_path / "st-flash"
    probe.write_text(f"#!/bin/sh\ntouch '{tmp_path}/called'\n")
    probe.chmod(0o755)

    finished = clone.run(["flash", "--dry"], PATH=f"{tmp_path}:/usr/bin:/bin")

    assert finished.returncode == 1
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("fuzz --seconds 0", "0 is no number of seconds"),
        ("fuzz --target typo", "no fuzzer 'typo': choose link, app, model"),
        ("sim-test --suite typo", "typo is neither a folder nor a .robot file"),
        ("sim-test typo", "typo is neither a folder nor a .robot file"),
        ("sim-test --on typo", "no simulator 'typo': choose renode, qemu, native"),
        ("sim-test --model typo", "no model 'typo'"),
        ("sim-test --on qemu --port /dev/null", "leave one of them out"),
        ("sim --on typo", "no simulator 'typo'"),
        ("sim --tcp-port 99999", "99999 is no TCP port"),
        ("profile --image 20000", "no image 20000: choose 0 to 199"),
        ("profile --image typo", "'typo' is no whole number"),
        ("bench --image -1", "no image -1"),
        ("build --board typo", "no board 'typo'"),
        ("build --model typo", "no model 'typo'"),
        ("flash --dry-run --model typo", "no model 'typo'"),
        ("setup --renode-archive typo", "no file typo: name a copy of https://"),
        ("infer", "Name an image: './inv infer 7'"),
        ("infer 10000", "no image 10000"),
        ("test --require typo", "no check 'typo': choose from ruff check"),
    ],
)
def test_wrong_options_are_refused_before_anything_happens(line: str, sentence: str, clone: Clone) -> None:
    assert sentence in refused(clone, *line.split())


@pytest.mark.parametrize(
    ("package", "line"),
    [("elftools", "size"), ("filelock", "build"), ("serial", "infer 7"), ("robot", "sim-test")],
)
def test_a_missing_package_is_one_sentence(package: str, line: str, clone: Clone) -> None:
    script = (
        f"import sys; sys.modules[{package!r}] = None; sys.argv = ['invoke', *{line.split()}]\n"
        "from invoke.main import program; program.run()"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script],
        cwd=clone.root,
        env=clone.environment(),
        capture_output=True,
        text=True,
    )

    assert finished.returncode == 1
    assert finished.stderr == (
        f"The Python package '{package}' is missing: "
        "type 'pip install -e .', or use ./inv instead of invoke.\n"
    )


def test_a_reader_that_stops_is_no_traceback(clone: Clone) -> None:
    """As in `./inv export | head -1`."""
    process = subprocess.Popen(
        clone.command("export"),
        cwd=clone.root,
        env=clone.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()

    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 141


def test_the_model_is_printed_and_not_remembered(clone: Clone) -> None:
    assert clone.run(["export", "--model", "linear"]).stdout.startswith("model: models/linear.npz\n")
    assert clone.run(["export"]).stdout.startswith("model: models/cnn.npz\n")


def test_ci_requires_checks_that_exist() -> None:
    from tooling import checks

    script = (ROOT / ".ci" / "run").read_text()
    listed = re.search(r"required=\((.*?)\n\)", script, re.DOTALL)
    assert listed is not None
    required = [quoted or plain for quoted, plain in re.findall(r'"([^"]+)"|(\S+)', listed.group(1))]
    assert {"pytest", "suites on qemu", "build bluepill"} <= set(required)
    checks.require_names([*required, "suites on renode"])
    assert 'required+=("suites on renode")' in script
