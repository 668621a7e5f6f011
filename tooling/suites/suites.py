"""Running the suites of robot_tests/ on a simulator or a board."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.paths import ROBOT_RESULTS, shown
from host.streams import open_port
from tooling import build, processes
from tooling.setup import provision, tools
from tooling.simulate import qemu
from tooling.simulate.simulation import NATIVE, QEMU, RENODE
from tooling.suites import renode_runner
from tooling.suites.robot_results import Counts, Results, read

PORT = "port"

_RUN_LIMIT = 1800.0


@dataclass(frozen=True)
class Outcome:
    """How the suites ended on one board."""

    title: str
    results: Results
    seconds: float
    log: Path
    status: int

    @property
    def counts(self) -> Counts:
        return self.results.counts

    @property
    def passed(self) -> bool:
        return self.status == 0 and self.counts.failed == 0 and self.counts.executed > 0

    def __str__(self) -> str:
        return f"{self.counts} on {self.title} in {self.seconds:.0f} s; the log is {shown(self.log)}"


@dataclass(frozen=True)
class Choice:
    """The simulator that the suites run on. `why_not_renode` is set if Renode was wanted and is missing."""

    simulator: str
    why_not_renode: str = ""

    @property
    def title(self) -> str:
        """The simulator's name and version, as the first and the last line print it."""
        return title(self.simulator) + (", not on Renode" if self.why_not_renode else "")

    def __str__(self) -> str:
        return f"{self.why_not_renode}\nRunning the suites on {self.title}.".lstrip()


def choose(wanted: str, model: Path, *, install: bool = True) -> Choice:
    """The wanted simulator; by default Renode, or else the best available one with room for the model.

    With `install` it installs what is missing. Raises UserError if the simulator is not available, and, with
    RENODE_REQUIRED=1 in the environment, if Renode is not.
    """
    if wanted == NATIVE:
        provision.provide(*build.BOARDS[NATIVE].needs, install=install)
        return Choice(NATIVE)
    if wanted == QEMU:
        provision.provide(tools.QEMU, *build.BOARDS[build.QEMU_BOARD].needs, install=install)
        return Choice(QEMU)
    why_not_renode = provision.provide_renode(install=install)
    if why_not_renode and (wanted == RENODE or os.environ.get("RENODE_REQUIRED", "0") not in ("", "0")):
        raise UserError(why_not_renode)
    if not why_not_renode:
        provision.provide(*build.BOARDS[build.BLUEPILL].needs, install=install)
        return Choice(RENODE)
    try:
        choose(QEMU, model, install=install)
        qemu.require_room(model)
        return Choice(QEMU, why_not_renode)
    except UserError as problem:
        if tools.missing(build.BOARDS[NATIVE].needs):
            raise
        print(problem)
        return Choice(NATIVE, why_not_renode)


def run(
    choice: Choice,
    model: Path,
    suites: Sequence[Path],
    options: Sequence[str] = (),
    *,
    firmware: Path | None = None,
) -> Outcome:
    """Build what is needed and run `suites` on a simulator.

    `options` go to Robot Framework or Renode's script; `firmware` is another build for the native board.
    Raises UserError if no test could be run.
    """
    simulator = choice.simulator
    where, name = (simulator, choice.title) if firmware is None else (build.SANITIZED, build.SANITIZED)
    if firmware is None:
        board = build.SIMULATED[simulator]
        if simulator == QEMU:
            qemu.require_room(model)
        build.build(board, model)
        firmware = build.image(board, model)
    if simulator == RENODE:
        begin = time.monotonic()
        status, results = renode_runner.run(suites, options, model)
        folder = renode_runner.results_directory(options) or renode_runner.RESULTS
        return Outcome(name, results, time.monotonic() - begin, folder / "log.html", status)
    variables = [*renode_runner.variables(model, firmware), "--variable", f"BOARD:{simulator}"]
    return _run_robot(where, name, [*variables, *options], suites)


def run_on_port(url: str, model: Path, suites: Sequence[Path]) -> Outcome:
    """Run `suites` on the board at a serial port, which computes `model`.

    Raises UserError or BoardError if no test could be run.
    """
    open_port(url).close()  # a wrong port is one sentence, not one in every test
    variables = ["--variable", f"BOARD:{PORT}", "--variable", f"PORT:{url}"]
    return _run_robot(PORT, f"the board at {url}", [*renode_runner.variables(model), *variables], suites)


def title(simulator: str) -> str:
    """A simulator's name and version, as 'Renode 1.16.1'."""
    if simulator == RENODE:
        return f"Renode {tools.RENODE.version()}"
    if simulator == QEMU:
        return f"QEMU {tools.QEMU.version()}"
    return "the native build"


def _run_robot(where: str, name: str, options: Sequence[str], suites: Sequence[Path]) -> Outcome:
    folder = ROBOT_RESULTS / where
    output = folder / "output.xml"
    output.unlink(missing_ok=True)
    begin = time.monotonic()
    robot = [sys.executable, "-m", "robot", "--name", "Robot Tests", "--consolewidth", "110"]
    finished = processes.run([*robot, "--outputdir", folder, *options, *suites], timeout=_RUN_LIMIT)
    results = read(output)
    if results.counts.executed == 0:
        raise UserError(
            f"No test was executed ({results.counts.skipped} skipped): see {shown(folder / 'log.html')}."
        )
    return Outcome(name, results, time.monotonic() - begin, folder / "log.html", finished.status)
