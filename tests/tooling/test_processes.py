"""Programs that were started end, whatever they or the caller do."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from common.errors import UserError
from tooling import processes

# Starts a program that ignores SIGINT and SIGTERM, and that prints its process id when it does.
STUBBORN = """
import subprocess, sys, time
child = (
    "import os, signal, time; [signal.signal(number, signal.SIG_IGN) for number in (2, 15)]; "
    "print(os.getpid(), flush=True); time.sleep(60)"
)
subprocess.Popen([sys.executable, "-c", child])
time.sleep(60)
"""

# Starts a program that writes its number to a file and waits, and says which exception ended the waiting.
STARTER = """
import sys
from tooling import processes

processes.raise_on_termination()
child = "import os, time; open('{pid_file}', 'w').write(str(os.getpid())); time.sleep(60)"
try:
    processes.run([sys.executable, "-c", child], timeout=60)
except KeyboardInterrupt as reason:
    sys.exit(type(reason).__name__)
"""


def is_alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until_gone(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(pid)


def test_output_and_status_come_back() -> None:
    finished = processes.run(
        [sys.executable, "-c", "print('hello'); raise SystemExit(3)"], timeout=20, capture=True
    )

    assert (finished.status, finished.output) == (3, "hello\n")


def test_a_program_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(UserError, match=r"'no-such-program' was not found: './inv doctor'"):
        processes.run(["no-such-program"], timeout=1)


def test_standard_input_is_empty() -> None:
    finished = processes.run([sys.executable, "-c", "print(repr(input()))"], timeout=20, capture=True)

    assert "EOFError" in finished.output


def test_the_projects_tools_are_found_first() -> None:
    path = processes.environment()["PATH"].split(os.pathsep)

    assert path[0] == str(Path(sys.prefix) / "bin")
    assert path.count(path[0]) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_time_runs_out_for_grandchildren_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.2)
    log = tmp_path / "log"
    with (
        log.open("wb") as output,
        processes.started([sys.executable, "-c", STUBBORN], output=output) as process,
    ):
        while not log.read_text().endswith("\n"):
            time.sleep(0.02)
        grandchild = int(log.read_text())
        assert is_alive(grandchild)

    assert process.poll() is not None
    assert wait_until_gone(grandchild)


def test_a_time_limit_is_one_sentence() -> None:
    with pytest.raises(UserError, match=r"did not finish within 0\.3 seconds"):
        processes.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.3)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_what_was_started(number: signal.Signals, tmp_path: Path) -> None:
    pid_file, script = tmp_path / "pid", tmp_path / "script.py"
    script.write_text(STARTER.format(pid_file=pid_file))
    process = subprocess.Popen([sys.executable, script], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while not (pid_file.is_file() and pid_file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    child = int(pid_file.read_text())
    process.send_signal(number)
    _, said = process.communicate(timeout=20)

    assert said.splitlines()[-1] == ("KeyboardInterrupt" if number == signal.SIGINT else "Terminated")
    assert wait_until_gone(child)
