"""`mutants`: the share of mutants that the tests of a folder kill."""

from __future__ import annotations

import time
from collections.abc import Sequence

from common.errors import UserError
from common.paths import shown
from tooling.mutate import c_room, python_room, report
from tooling.mutate.outcome import Round
from tooling.mutate.rooms import ROOMS, Room, named


def run(folders: Sequence[str], *, sample: int, seed: int, minutes: int, jobs: int) -> str:
    """Measure these folders (all of them if there are none) and write docs/MUTANTS.md; its table.

    `sample`: mutants drawn in each folder, 0 for all. `minutes`: for each folder. Raises UserError for an
    unknown folder or a number that makes no sense, and if the unchanged code fails its tests.
    """
    rooms = [named(name) for name in folders] or list(ROOMS.values())
    for name, value, least in (("sample", sample, 0), ("minutes", minutes, 1), ("jobs", jobs, 1)):
        if value < least:
            raise UserError(f"--{name} {value} is too small: choose {least} or more.")
    records = {}
    for room in rooms:
        begin = time.monotonic()
        outcome = _run(room, sample, seed, jobs, begin + 60 * minutes)
        records = report.update([outcome])
        survived = records[room.name][-1]
        print(
            f"{room.name}: {survived.killed} of {survived.share.judged} mutants killed, {survived.share}, "
            f"in {(time.monotonic() - begin) / 60:.0f} minutes",
            flush=True,
        )
    return f"\n{report.rows(records)}\n\n{shown(report.DOCUMENT)} lists the survivors."


def _run(room: Room, sample: int, seed: int, jobs: int, deadline: float) -> Round:
    print(f"{room.name}: {'all' if sample == 0 else sample} mutants, {room.language}", flush=True)
    judge = c_room.run if room.language == "C" else python_room.run
    return judge(room, sample, seed, jobs, deadline)
