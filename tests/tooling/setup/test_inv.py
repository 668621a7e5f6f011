"""`./inv` in a fresh clone: what it prints if it cannot work, and that it leaves nothing behind."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from common.paths import ROOT

FILES = ["inv", "pyproject.toml", "requirements.lock"]

# Makes an environment whose python logs what pip does, slowly, and whose invoke does nothing.
SLOW_PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
    echo venv >>"{log}"
    mkdir -p "$3/bin"
    ln -s "$0" "$3/bin/python"
    printf '#!/bin/sh\\n' >"$3/bin/invoke"
    chmod +x "$3/bin/invoke"
elif [ "$1 $2" = "-m pip" ] && [ -n "$LOCK_FAILS" ] && [ "${{*%--require-hashes*}}" != "$*" ]; then
    echo "ERROR: No matching distribution found for numpy==2.4.6"
    exit 1
elif [ "$1 $2" = "-m pip" ]; then
    echo pip >>"{log}"
    sleep 0.5
    echo done >>"{log}"
else
    exec {python} "$@"
fi
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """As much of a fresh clone as ./inv looks at, in a folder with a blank in its name."""
    folder = tmp_path / "a clone"
    folder.mkdir()
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    return folder


def run_inv(clone: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [clone / "inv", "--list"],
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=clone.parent,
    )


def only_what_was_there(clone: Path) -> bool:
    return sorted(path.name for path in clone.iterdir()) == sorted(FILES)


def test_without_python_there_is_one_sentence(clone: Path) -> None:
    finished = run_inv(clone, PYTHON="python-that-is-not-there")

    assert finished.returncode == 1
    assert finished.stderr.startswith("inv: 'python-that-is-not-there' was not found: install Python 3.10")
    assert len(finished.stderr.splitlines()) == 1
    assert only_what_was_there(clone)


def test_an_old_python_is_one_sentence(clone: Path) -> None:
    old = clone.parent / "old-python"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.8.1 && exit\nexit 1\n')
    old.chmod(0o755)

    finished = run_inv(clone, PYTHON=str(old))

    assert finished.returncode == 1
    assert finished.stderr.startswith("inv: Python 3.8.1 is too old")
    assert only_what_was_there(clone)


def test_without_a_network_there_is_one_sentence(clone: Path) -> None:
    proxies = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
    nowhere = dict.fromkeys(proxies, "http://127.0.0.1:9")
    no_other_source = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_NO_CACHE_DIR": "1"}

    finished = run_inv(clone, PYTHON=sys.executable, no_proxy="", NO_PROXY="", **nowhere, **no_other_source)

    assert finished.returncode == 1
    assert "no package index could be reached" in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
    assert only_what_was_there(clone)


def test_an_environment_of_another_place_is_not_used(clone: Path) -> None:
    """As in a clone that was copied with its .venv, whose scripts name the place that it came from."""
    stale = clone / ".venv"
    (stale / "bin").mkdir(parents=True)
    (stale / "bin" / "python").symlink_to(sys.executable)
    (stale / "installed").write_text("/somewhere/else\n0 0\n")

    finished = run_inv(clone, PYTHON="python-that-is-not-there")

    assert finished.returncode == 1
    assert "was not found" in finished.stderr


def test_a_second_inv_waits_for_the_lock(clone: Path) -> None:
    with (clone / "pyproject.toml").open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        waiting = subprocess.Popen([clone / "inv", "--list"], stdout=subprocess.PIPE, text=True, cwd=clone)
        assert waiting.stdout is not None and "waiting for another" in waiting.stdout.readline()

        waiting.terminate()

        assert waiting.wait(timeout=10) == 143
    assert only_what_was_there(clone)


def slow_python(clone: Path) -> tuple[Path, Path]:
    """The log and the path of SLOW_PYTHON."""
    log, python = clone.parent / "log", clone.parent / "python"
    python.write_text(SLOW_PYTHON.format(python=sys.executable, log=log))
    python.chmod(0o755)
    return log, python


def test_where_the_lock_does_not_install_other_versions_do(clone: Path) -> None:
    log, python = slow_python(clone)

    finished = run_inv(clone, PYTHON=str(python), LOCK_FAILS="1")

    assert finished.returncode == 0, finished.stderr
    assert "the versions of requirements.lock do not install here" in finished.stdout
    assert log.read_text().split() == ["venv", "pip", "done"]


def test_of_several_at_once_one_makes_the_environment(clone: Path) -> None:
    """The interpreter here logs when it makes an environment and when pip installs into it."""
    log, python = slow_python(clone)
    command, variables = (
        [str(clone / "inv"), "--list"],
        {**os.environ, "PYTHON": str(python), "LOCK_FAILS": ""},
    )
    started = [subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    printed = [process.communicate(timeout=60)[0] for process in started]

    assert [process.returncode for process in started] == [0] * 4, printed
    assert log.read_text().split() == ["venv", *["pip", "done"] * 2]
