"""The tasks in a user's own environment, without ./inv."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from clones import Clone

pytestmark = pytest.mark.slow

OFFLINE = ("NewConnectionError", "ProxyError", "ConnectTimeoutError", "ReadTimeoutError", "name resolution")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new virtual environment with the few packages that a user of Robot Framework and Invoke has."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip_install(folder, "invoke", "numpy", "pyserial", "robotframework==6.1")
    return folder


def pip_install(environment: Path, *packages: str) -> None:
    command = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages]
    finished = subprocess.run(command, capture_output=True, text=True)
    if finished.returncode and any(word in finished.stderr for word in OFFLINE):
        pytest.skip("no package index can be reached")
    assert finished.returncode == 0, finished.stderr


def run(clone: Clone, environment: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    path = os.pathsep.join([str(environment / "bin"), *system_path()])
    command = [str(environment / "bin" / arguments[0]), *arguments[1:]]
    return subprocess.run(
        command, cwd=clone.root, env={**variables, "PATH": path}, capture_output=True, text=True, timeout=600
    )


def system_path() -> list[str]:
    """PATH without the environment that runs this test."""
    return [folder for folder in os.environ["PATH"].split(os.pathsep) if not folder.startswith(sys.prefix)]


def test_a_users_own_environment(clone: Clone, environment: Path) -> None:
    """First without the project's packages, then with them."""
    for command in (["invoke", "sim-test"], ["invoke", "build"], ["invoke", "test"]):
        finished = run(clone, environment, *command)
        assert finished.returncode == 1
        assert "Traceback" not in finished.stderr
        assert finished.stderr.startswith("The Python package '")
        assert finished.stderr.endswith(
            "is missing: type 'pip install -e .', or use ./inv instead of invoke.\n"
        )
    assert "sim-test" in run(clone, environment, "invoke", "--list").stdout

    pip_install(environment, "--editable", str(clone.root))

    finished = run(clone, environment, "invoke", "sim-test", "robot_tests/boot.robot")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert " 0 failed" in finished.stdout.splitlines()[-1]

    finished = run(clone, environment, "renode-test", "robot_tests/boot.robot")
    assert finished.returncode == 0, finished.stdout + finished.stderr
