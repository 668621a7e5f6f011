"""The tasks as a user types them, in a copy of the clone."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from clones import Clone

from tooling.setup import tools

needs_compiler = pytest.mark.skipif(
    bool(tools.missing([tools.COMPILER, tools.CMAKE, tools.NINJA])), reason="needs arm-none-eabi-gcc"
)
needs_native = pytest.mark.skipif(
    bool(tools.missing([tools.NATIVE_COMPILER, tools.CMAKE, tools.NINJA])), reason="needs a C compiler"
)


def output(clone: Clone, *arguments: str, **variables: str) -> str:
    """What a task prints. Fails if the task fails."""
    finished = clone.run(arguments, timeout=300, **variables)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@needs_compiler
def test_build_then_size(clone: Clone) -> None:
    first = output(clone, "build", "--model", "linear")
    again = output(clone, "build", "--model", "linear")

    assert first.startswith("model: models/linear.npz\n")
    assert "build/linear/bluepill/firmware.elf built" in first
    assert "build/linear/bluepill/firmware.elf is up to date" in again
    flash = re.search(r"([\d,]+) of 65,536 bytes of flash", again)
    assert flash is not None and flash.group(1) in output(clone, "size", "--model", "linear")


@needs_compiler
def test_flash_without_a_board(clone: Clone, tmp_path: Path) -> None:
    printed = output(clone, "flash", "--dry-run", "--model", "linear", "--under-reset")

    assert printed.startswith("model: models/linear.npz\n")
    assert re.search(
        r"^writing: st-flash .*--connect-under-reset write .*/linear/bluepill/firmware.bin", printed, re.M
    )


@needs_compiler
def test_flash_with_a_probe(clone: Clone, tmp_path: Path) -> None:
    probe = tmp_path / "st-flash"
    probe.write_text(
        "#!/bin/sh\n"
        'for word in "$@"; do case $before in\n'
        f'    write) cp "$word" "{tmp_path}/chip" ;;\n'
        f'    read) cp "{tmp_path}/chip" "$word" ;;\n'
        "esac; before=$word; done\n"
    )
    probe.chmod(0o755)

    printed = output(clone, "flash", "--model", "linear", PATH=f"{tmp_path}:{clone.environment()['PATH']}")

    assert printed.startswith("model: models/linear.npz\n")
    assert printed.endswith("written, verified and started\n")
    image = clone.root / "build" / "linear" / "bluepill" / "firmware.bin"
    assert (tmp_path / "chip").read_bytes() == image.read_bytes()


def test_flash_without_st_flash_builds_nothing(clone: Clone) -> None:
    if shutil.which("st-flash"):
        pytest.skip("st-flash is installed")
    finished = clone.run(["flash"])

    assert finished.returncode == 1 and finished.stdout == ""
    assert finished.stderr.startswith("st-flash not found: ")


@pytest.mark.parametrize("line", ["sim", "profile --renode", "sim-test --on renode --no-install"])
def test_without_renode_nothing_is_built(line: str, clone: Clone) -> None:
    path = os.pathsep.join([str(Path(sys.prefix) / "bin"), "/usr/bin", "/bin"])
    if shutil.which("renode", path=path):
        pytest.skip("Renode lies beside the system's tools")
    finished = clone.run(line.split(), PATH=path)

    assert finished.returncode == 1
    assert finished.stdout in ("", "model: models/cnn.npz\n")
    assert finished.stderr.startswith(("Renode was not found: ", "Renode is not installed, and --no-install"))


@needs_compiler
def test_profile_draws_its_picture(clone: Clone) -> None:
    printed = output(clone, "profile", "--model", "linear", "--image", "3", "--plot")

    assert "test image 3" in printed
    assert printed.endswith("build/profile.png shows it.\n")
    assert (clone.root / "build" / "profile.png").stat().st_size > 1000


@needs_compiler
def test_bench_of_one_model(clone: Clone) -> None:
    printed = output(clone, "bench", "--model", "linear")

    assert "linear" in printed and "max" not in printed.split()


@needs_native
def test_a_suite_on_the_native_build(clone: Clone) -> None:
    lines = output(
        clone, "sim-test", "robot_tests/boot.robot", "--on", "native", "--model", "linear"
    ).splitlines()

    assert lines[0] == "model: models/linear.npz"
    assert "Running the suites on the native build." in lines
    assert re.match(r"\d+ passed, 0 failed, \d+ skipped on the native build in \d+ s; the log is", lines[-1])


@needs_native
def test_a_failing_suite_fails_the_task(clone: Clone, tmp_path: Path) -> None:
    suite = tmp_path / "wrong.robot"
    suite.write_text(
        "*** Test Cases ***\nWrong\n    Fail    as it should\nSkipped\n    Skip    for a reason\n"
    )

    finished = clone.run(["sim-test", str(suite), "--on", "native"])

    assert finished.returncode == 1
    assert finished.stderr.startswith("0 passed, 1 failed, 1 skipped on the native build in ")


def test_a_port_that_cannot_be_opened_is_one_sentence(clone: Clone) -> None:
    finished = clone.run(["sim-test", "--port", "/dev/missing"])

    assert finished.returncode == 1
    assert "/dev/missing" in finished.stderr and len(finished.stderr.splitlines()) == 1


@pytest.mark.skipif(bool(tools.missing([tools.CLANG])), reason="needs clang with libFuzzer")
def test_a_short_fuzz(clone: Clone) -> None:
    printed = output(clone, "fuzz", "--seconds", "2", "--target", "link", "--no-install")

    assert printed.startswith("model: models/cnn.npz\n")
    assert re.search(
        r"^link-rgb-32x32: [\d,]+ executions in \d+ s, coverage \d+, features \d+, nothing found$",
        printed,
        re.M,
    )


def test_doctor_lists_every_tool(clone: Clone) -> None:
    printed = output(clone, "doctor")

    names = {line.split()[0] for line in printed.splitlines() if line}
    assert {tool.name for tool in tools.ALL_TOOLS} <= names
    assert printed.splitlines()[-1].startswith("Next: type './inv ")


@pytest.mark.skipif(
    bool(tools.missing([*tools.SYSTEM_TOOLS, tools.RENODE_TEST])), reason="something would be installed"
)
def test_setup_prints_what_is_installed(clone: Clone) -> None:
    lines = output(clone, "setup").splitlines()

    assert lines[0] == "python packages: installed"
    assert [line.partition(":")[0] for line in lines[1:]] == [
        *(tool.name for tool in tools.SYSTEM_TOOLS),
        "renode",
    ]


def test_clean_keeps_models_and_training(clone: Clone) -> None:
    run = clone.root / "build" / "training" / "cnn"
    run.mkdir(parents=True)
    (clone.root / "build" / "cnn" / "generated").mkdir(parents=True, exist_ok=True)

    printed = output(clone, "clean")

    assert run.is_dir() and not (clone.root / "build" / "cnn").exists()
    assert "kept models, build/training" in printed
    assert (clone.root / "models" / "cnn.npz").is_file()


def test_without_torch_training_names_the_command(clone: Clone, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError\n")
    for task in ("train", "results", "import"):
        finished = clone.run([task], PYTHONPATH=f"{tmp_path}:{clone.root}")
        assert finished.returncode == 1
        assert finished.stderr == "Training needs torch: type './inv setup --train'.\n"


def test_import_without_onnx_or_arguments_says_what_to_type(clone: Clone, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    finished = clone.run(["import", "network.onnx"])
    assert finished.stderr == (
        "Name a file and the new model: './inv import FILE.onnx --data SOURCE --name NAME'.\n"
    )
    (tmp_path / "onnx.py").write_text("raise ImportError\n")
    finished = clone.run(["import", "network.onnx"], PYTHONPATH=f"{tmp_path}:{clone.root}")
    assert finished.stderr == "import needs onnx: type './inv setup --train'.\n"
