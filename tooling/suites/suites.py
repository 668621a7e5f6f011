"""Running the suites of robot_tests/ on a simulator or a board."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.paths import ROBOT_RESULTS, SUITES, shown
from host.streams import open_port
from tooling import build, processes
from tooling.setup import provision, tools
from tooling.simulate import simulators
from tooling.suites import renode_test
from tooling.suites.robot_results import Counts, Results, read

RENODE = "renode"
QEMU = "qemu"
NATIVE = "native"
SIMULATORS = (RENODE, QEMU, NATIVE)
PORT = "port"

_RUN_LIMIT = 1800.0


@dataclass(frozen=True)
class Outcome:
    """How the suites ended on one board."""

    where: str
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


@dataclass(frozen=True)
class Choice:
    """The simulator that the suites run on, and, where it is not Renode by need, why not."""

    simulator: str
    why_not_renode: str = ""

    @property
    def title(self) -> str:
        """How the first and the last line name it."""
        return title(self.simulator) + (", not on Renode" if self.why_not_renode else "")


def check(suites: Sequence[str], simulator: str = "") -> list[Path]:
    """The files of these suites and folders, by default of robot_tests/.

    Raises UserError if one is missing or holds no test, or if there is no such simulator.
    """
    if simulator and simulator not in SIMULATORS:
        raise UserError(f"There is no simulator '{simulator}': choose {', '.join(SIMULATORS)}.")
    paths = [suite for name in suites or [str(SUITES)] for suite in renode_test.expand(Path(name))]
    if renode_test.count_tests(paths) == 0:
        raise UserError("These suites hold no test, which counts as a failure.")
    return paths


def choose(wanted: str, model: Path, *, install: bool = True) -> Choice:
    """The wanted simulator; by default Renode, or else the best available one with room for the model.

    With `install` it installs what is missing. Raises UserError if the simulator is not available.
    """
    if wanted == NATIVE:
        provision.provide(*build.BOARDS[build.NATIVE].needs, install=install)
        return Choice(NATIVE)
    if wanted == QEMU:
        provision.provide(tools.QEMU, *build.BOARDS[build.BLUEPILL].needs, install=install)
        return Choice(QEMU)
    if wanted == RENODE:
        if reason := provision.provide_renode(install=install):
            raise UserError(reason)
        provision.provide(*build.BOARDS[build.BLUEPILL].needs, install=install)
        return Choice(RENODE)
    return _best_available(model, install)


def _best_available(model: Path, install: bool) -> Choice:
    why_not_renode = provision.provide_renode(install=install)
    try:
        if not why_not_renode:
            return choose(RENODE, model, install=install)
        qemu = choose(QEMU, model, install=install)
        build.build(build.BLUEPILL, model)
        simulators.require_room_in_qemu(build.image(build.BLUEPILL, model))
        return Choice(qemu.simulator, why_not_renode)
    except UserError as problem:
        if not all(tool.path() for tool in build.BOARDS[build.NATIVE].needs):
            raise
        print(problem)
        return Choice(choose(NATIVE, model, install=install).simulator, why_not_renode or str(problem))


def run(simulator: str, model: Path, suites: Sequence[str] = (), *, firmware: Path | None = None) -> Outcome:
    """Build what is needed and run `suites`, all of robot_tests/ by default, on one simulator.

    `firmware` is another build for the native board. Raises UserError when no test could be run.
    """
    board = build.NATIVE if simulator == NATIVE else build.BLUEPILL
    where = simulator if firmware is None else build.SANITIZED
    if firmware is None:
        build.build(board, model)
        firmware = build.image(board, model)
    if simulator == RENODE:
        return _run_on_renode(suites, model)
    if simulator == QEMU:
        simulators.require_room_in_qemu(firmware)
    variables = [*renode_test.variables(model, firmware), "--variable", f"BOARD:{simulator}"]
    return _run_robot(where, variables, suites)


def run_on_port(url: str, model: Path, suites: Sequence[str] = ()) -> Outcome:
    """Run `suites` on the board at a serial port, which computes `model`.

    Raises UserError or BoardError when none could be run.
    """
    open_port(url).close()  # a wrong port is one sentence, not one in every test
    variables = [*renode_test.variables(model), "--variable", f"BOARD:{PORT}", "--variable", f"PORT:{url}"]
    return _run_robot(PORT, variables, suites)


def _run_on_renode(suites: Sequence[str], model: Path) -> Outcome:
    begin = time.monotonic()
    status = renode_test.run(suites or [str(SUITES)], model)
    log = renode_test.RESULTS / "log.html"
    return Outcome(
        RENODE, read(renode_test.RESULTS / "robot_output.xml"), time.monotonic() - begin, log, status
    )


def _run_robot(where: str, variables: Sequence[str], suites: Sequence[str]) -> Outcome:
    paths = check(suites)
    results = ROBOT_RESULTS / where
    output = results / "output.xml"
    output.unlink(missing_ok=True)
    begin = time.monotonic()
    finished = processes.run(
        [
            sys.executable,
            "-m",
            "robot",
            "--name",
            "Robot Tests",
            "--outputdir",
            results,
            "--consolewidth",
            "110",
            *variables,
            *paths,
        ],
        timeout=_RUN_LIMIT,
    )
    found = read(output)
    if found.counts.executed == 0:
        raise UserError(
            f"No test was executed ({found.counts.skipped} skipped): see {shown(results / 'log.html')}."
        )
    return Outcome(where, found, time.monotonic() - begin, results / "log.html", finished.status)


def title(simulator: str) -> str:
    """A simulator's name and version, as 'Renode 1.16.1', for the lines that say what the suites ran on."""
    if simulator == RENODE:
        return f"Renode {tools.RENODE.version()}"
    if simulator == QEMU:
        return f"QEMU {tools.QEMU.version()}"
    return "the native build" if simulator == NATIVE else simulator
