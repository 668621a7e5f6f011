"""A room in C: each mutant is compiled and judged by the room's tests, in copies of the working tree."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue

from common.errors import UserError
from common.paths import ROOT, shown
from tooling import processes
from tooling.mutate.c_operators import Edit, edits
from tooling.mutate.outcome import Round, Survivor, Verdict
from tooling.mutate.rooms import Room, copy_tree

_BUILD = "from tooling import build; build.build(build.NATIVE)"
_BUILD_LIMIT = 600.0
_TEST_LIMIT = 900.0
_TIMES_SLOWER = 3  # a mutant that takes so much longer than the unchanged code hangs


@dataclass(frozen=True)
class Job:
    """One mutant: a file, relative to the root, and what is changed in it."""

    file: str
    edit: Edit


def run(room: Room, sample: int, seed: int, jobs: int, deadline: float) -> Round:
    """Judge a random sample of the room's mutants (all of them if `sample` is 0) until the deadline.

    Raises UserError if the unchanged code does not build or fails its tests.
    """
    every = list(_mutants(room))
    chosen = every if sample == 0 else random.Random(seed).sample(every, min(sample, len(every)))
    queue: SimpleQueue[Job] = SimpleQueue()
    for job in chosen:
        queue.put(job)

    verdicts: dict[Job, Verdict] = {}
    failures: list[UserError] = []

    def work(number: int) -> None:
        try:
            judge = _Judge(room, number)
            while time.monotonic() < deadline and not failures:
                job = queue.get_nowait()
                verdicts[job] = judge.verdict(job)
        except Empty:
            pass
        except UserError as error:
            failures.append(error)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]
    counts = Counter(verdicts.get(job, Verdict.UNJUDGED) for job in chosen)
    survivors = tuple(
        Survivor(job.edit.change_of((ROOT / job.file).read_text(), job.file), verdicts[job])
        for job in chosen
        if verdicts.get(job) is Verdict.SURVIVED
    )
    return Round(room.name, len(every), len(chosen), counts, survivors)


def _mutants(room: Room) -> Iterator[Job]:
    for pattern in room.sources:
        for path in sorted(ROOT.glob(pattern)):
            for edit in edits(path.read_text()):
                yield Job(path.relative_to(ROOT).as_posix(), edit)


class _Judge:
    """A copy of the working tree in which one mutant after the other is built and tested."""

    def __init__(self, room: Room, number: int) -> None:
        self._tree = copy_tree(f"{room.name}-{number}")
        self._tests = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *room.tests]
        self._limit = _TEST_LIMIT
        if not self._builds():
            raise UserError(f"The unchanged {room.name} does not build in {shown(self._tree)}.")
        begin = time.monotonic()
        if not self._passes():
            raise UserError(f"The unchanged {room.name} fails its tests in {shown(self._tree)}.")
        self._limit = _TIMES_SLOWER * (time.monotonic() - begin) + 10

    def verdict(self, job: Job) -> Verdict:
        path = self._tree / job.file
        source = path.read_text()
        path.write_text(job.edit.applied_to(source))
        try:
            if not self._builds():
                return Verdict.REFUSED
            return Verdict.SURVIVED if self._passes() else Verdict.KILLED
        except UserError:  # it took too long
            return Verdict.KILLED
        finally:
            path.write_text(source)

    def _builds(self) -> bool:
        return self._run([sys.executable, "-c", _BUILD], _BUILD_LIMIT)

    def _passes(self) -> bool:
        return self._run(self._tests, self._limit)

    def _run(self, command: list[str], limit: float) -> bool:
        environment = {"PYTHONPATH": str(self._tree), "PYTHONDONTWRITEBYTECODE": "1"}
        finished = processes.run(
            command, cwd=self._tree, timeout=limit, extra_environment=environment, capture=True
        )
        Path(self._tree / "last.log").write_text(finished.output)
        return finished.status == 0
