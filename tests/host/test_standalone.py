"""host outside this repository, where only NumPy and pyserial are installed."""

import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import serial

import host

PROGRAM = """
import sys
from host.board import Board
from host.errors import NotThisFirmware
try:
    Board.open("loop://", boot_timeout=0.1)
except NotThisFirmware as error:
    print(error)
print(sorted({name.partition(".")[0] for name in sys.modules} & {"PIL", "rich", "robot", "tooling", "torch"}))
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of packages: host, numpy, serial."""
    for package in (host, numpy, serial):
        folder = Path(package.__path__[0])
        (tmp_path / folder.name).symlink_to(folder)
        libraries = folder.with_name(f"{folder.name}.libs")  # of NumPy's wheel
        if libraries.is_dir():
            (tmp_path / libraries.name).symlink_to(libraries)
    return tmp_path


def run(site: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Runs a program that sees the standard library and `site` only."""
    program = f"import sys; sys.path.insert(0, {str(site)!r})\n{program}"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, timeout=60, cwd=site
    )


def test_the_client_needs_only_numpy_and_pyserial(site: Path) -> None:
    finished = run(site, PROGRAM)
    assert finished.stderr == ""
    sentence, imported = finished.stdout.splitlines()
    assert sentence.startswith("The device on loop:// is not this firmware")
    assert imported == "[]"


def test_the_site_has_nothing_else(site: Path) -> None:
    assert "ModuleNotFoundError" in run(site, "import rich").stderr
