"""Builds that several processes run at once, in a build folder of the test."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from common.locks import locked
from common.paths import MODELS
from host.board import Board
from tooling import build
from tooling.simulate import native

needs_compiler = pytest.mark.skipif(
    any(tool.path() is None for tool in build.BOARDS[build.NATIVE].needs),
    reason="needs a C compiler for this computer",
)

BUILDER = """
import sys
from pathlib import Path
from tooling import build

build.BUILD = Path(sys.argv[1])
for name in sys.argv[2:]:
    build.build(build.NATIVE, build.model_file(name))
"""

# Stands before CMake on PATH and logs when a call begins and ends. $1 is --fresh or --build.
FAKE_CMAKE = """#!/bin/sh
echo "begin" >>"{log}"
sleep 0.3
case $1 in --fresh) mkdir -p "$5" && touch "$5/build.ninja" ;; esac
echo "end" >>"{log}"
"""


def start_builder(folder: Path, *models: str, path: str | None = None) -> subprocess.Popen[str]:
    """A process that builds the native board of these models; `path` is the folder of its CMake."""
    script = BUILDER
    if path:
        script = f"from tooling import processes; processes.ENVIRONMENT_BIN = {path!r}\n{BUILDER}"
    return subprocess.Popen(
        [sys.executable, "-c", script, folder, *models],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PATH": os.pathsep.join(filter(None, [path, os.environ["PATH"]]))},
    )


def finish(builders: list[subprocess.Popen[str]]) -> None:
    for builder in builders:
        output, _ = builder.communicate(timeout=300)
        assert builder.returncode == 0, output


def model_of(folder: Path, name: str) -> str:
    """The model that the native firmware of that folder reports."""
    firmware = folder / name / build.NATIVE / build.BOARDS[build.NATIVE].program
    with native.start(firmware) as simulation, Board.open(simulation.url) as board:
        return board.info().model


def calls(folder: Path, *models: str) -> list[str]:
    """What two processes that build these models at once log with the fake CMake."""
    log = folder / "calls.txt"
    fake = folder / "bin"
    fake.mkdir()
    (fake / "cmake").write_text(FAKE_CMAKE.format(log=log))
    (fake / "cmake").chmod(0o755)
    finish([start_builder(folder / "build", model, path=str(fake)) for model in models])
    return log.read_text().split()


def test_builds_of_one_model_wait_for_each_other(tmp_path: Path) -> None:
    assert calls(tmp_path, "linear", "linear") == ["begin", "end"] * 3  # the second does not configure again


def test_builds_of_different_models_run_side_by_side(tmp_path: Path) -> None:
    logged = calls(tmp_path, "linear", "cnn")

    assert sorted(logged) == ["begin"] * 4 + ["end"] * 4
    assert logged != ["begin", "end"] * 4


def test_a_lock_survives_that_its_folder_is_removed(tmp_path: Path) -> None:
    """As by `clean`, while a build waits."""
    script = (
        "import sys; from pathlib import Path; from common.locks import locked\n"
        "with locked(Path(sys.argv[1]), 'a test'): print('locked')"
    )
    path = tmp_path / "build" / "lock"
    with locked(path, "a test"):
        waiting = subprocess.Popen(
            [sys.executable, "-c", script, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert waiting.stderr is not None and waiting.stderr.readline().startswith("Waiting for another")
        shutil.rmtree(path.parent)

    output, errors = waiting.communicate(timeout=20)
    assert (waiting.returncode, output) == (0, "locked\n"), errors


@needs_compiler
def test_each_of_several_builds_at_once_is_right(tmp_path: Path) -> None:
    models = ["linear", "cnn", "linear"]
    finish([start_builder(tmp_path, model) for model in models])

    assert {name: model_of(tmp_path, name) for name in models} == {name: name for name in models}
    assert all((MODELS / f"{name}.npz").is_file() for name in models)


@needs_compiler
def test_a_switch_of_the_model_rebuilds_nothing(tmp_path: Path) -> None:
    finish([start_builder(tmp_path, "linear", "cnn")])
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*/firmware")}

    again = start_builder(tmp_path, "linear", "cnn", "linear")
    output, _ = again.communicate(timeout=60)

    assert output == ""
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*/firmware")}
    assert len(before) == 2
