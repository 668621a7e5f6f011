"""docs/MUTANTS.md: the share of mutants that the tests kill, now and at the first measurement."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from common.errors import UserError
from common.files import write_atomically
from common.paths import ROOT, shown
from tooling.mutate.outcome import Change, Round, Share, Survivor, Verdict
from tooling.mutate.rooms import ROOMS
from tooling.tables import markdown

DOCUMENT = ROOT / "docs" / "MUTANTS.md"
RECORDS = ROOT / "docs" / "mutants.json"
EQUIVALENTS = ROOT / "docs" / "mutants_equivalent.json"

_HEAD = """\
# Mutation testing

`./inv mutants` changes the code in one small way at a time (a mutant) and runs the quick tests of that
folder. A mutant is killed when a test fails or hangs. A mutant that survives shows code whose result no test
checks.

mutmut makes the mutants of Python: it changes functions and methods, but no constants of modules and
classes, and no function under a decorator. The text of error messages is not changed. The operators for the
link's C are in `tooling/mutate/c_operators.py`: relations, arithmetic, bits, logic, integers plus and minus
one, deleted statements.
"""

_TABLE = """\
The share leaves out the mutants that the compiler refuses and the equivalent ones, which are listed below. A
sample is drawn at random; the interval is the 95 % interval of the share over all mutants of the folder. The
last column is the first measurement, before tests were added for it.
"""


@dataclass(frozen=True)
class Record:
    """One measurement of one room, as docs/mutants.json keeps it."""

    day: str
    mutants: int
    sampled: int
    killed: int
    survived: int
    equivalent: int
    refused: int
    unjudged: int
    survivors: tuple[tuple[str, str, str, str], ...] = field(default=())
    """(file, before, after, verdict) of each mutant that survived and is not known to be equivalent."""

    @property
    def share(self) -> Share:
        return Share(self.killed, self.killed + self.survived)


def record(outcome: Round) -> Record:
    """What one round came to, today."""
    known = equivalents()
    survivors = [item for item in outcome.survivors if item.change.key not in known]
    verdicts = outcome.verdicts
    return Record(
        day=date.today().isoformat(),
        mutants=outcome.mutants,
        sampled=outcome.chosen,
        killed=verdicts[Verdict.KILLED],
        survived=len(survivors),
        equivalent=len(outcome.survivors) - len(survivors),
        refused=verdicts[Verdict.REFUSED],
        unjudged=verdicts[Verdict.UNJUDGED],
        survivors=tuple(_row(item) for item in survivors),
    )


def _row(survivor: Survivor) -> tuple[str, str, str, str]:
    change = survivor.change
    return change.file, change.before, change.after, survivor.verdict.value


def equivalents() -> dict[tuple[str, str, str], str]:
    """The mutants that no test can kill, and why. Raises UserError for a file that is not readable."""
    try:
        entries = json.loads(EQUIVALENTS.read_text())
        return {Change(e["file"], e["before"], e["after"]).key: e["reason"] for e in entries}
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{shown(EQUIVALENTS)} cannot be read: {error}.") from None


def update(outcomes: Sequence[Round]) -> dict[str, list[Record]]:
    """Add the rounds to docs/mutants.json and write docs/MUTANTS.md; the records of each room."""
    records = read_records()
    for outcome in outcomes:
        records[outcome.room] = [*records.get(outcome.room, [])[:1], record(outcome)]
    content = {
        room: [asdict(_without_survivors(item)) if item is not items[-1] else asdict(item) for item in items]
        for room, items in records.items()
    }
    write_atomically(RECORDS, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())
    write_atomically(DOCUMENT, document(records).encode())
    return records


def read_records() -> dict[str, list[Record]]:
    """All records in docs/mutants.json, the first and the last of each room."""
    if not RECORDS.is_file():
        return {}
    try:
        content: Mapping[str, list[dict[str, Any]]] = json.loads(RECORDS.read_text())
        return {
            room: [Record(**{**item, "survivors": tuple(map(tuple, item["survivors"]))}) for item in items]
            for room, items in content.items()
        }
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{shown(RECORDS)} cannot be read: {error}.") from None


def _without_survivors(item: Record) -> Record:
    return Record(**{**asdict(item), "survivors": ()})


def document(records: Mapping[str, Sequence[Record]]) -> str:
    """The whole of docs/MUTANTS.md."""
    return "\n".join([_HEAD, rows(records), "", _TABLE, *_survivors(records), *_equivalents()])


def rows(records: Mapping[str, Sequence[Record]]) -> str:
    """The table: one row for each room."""
    head = (
        "folder",
        "language",
        "mutants",
        "tried",
        "killed",
        "survived",
        "equivalent",
        "share",
        "interval",
        "first",
    )
    body = []
    for name, room in ROOMS.items():
        if items := records.get(name):
            last, first = items[-1], items[0]
            low, high = last.share.interval()
            sampled = last.sampled - last.unjudged < last.mutants
            body.append(
                (
                    f"`{room.sources[0]}`",
                    room.language,
                    f"{last.mutants:,}",
                    f"{last.sampled - last.unjudged:,}",
                    f"{last.killed:,}",
                    f"{last.survived:,}",
                    f"{last.equivalent:,}",
                    str(last.share),
                    f"{low:.1f} to {high:.1f} %" if sampled else "all tried",
                    f"{first.share} of {first.share.judged:,}",
                )
            )
    return markdown([head, *body], left=2)


def _survivors(records: Mapping[str, Sequence[Record]]) -> list[str]:
    lines = []
    for name in ROOMS:
        if (items := records.get(name)) and items[-1].survivors:
            lines += [f"## Survivors in {name}", ""]
            lines += [_shown(*survivor[:3], note=survivor[3]) for survivor in items[-1].survivors]
            lines.append("")
    return lines


def _equivalents() -> list[str]:
    known = equivalents()
    if not known:
        return []
    lines = ["## Equivalent mutants", "", "No test can kill these: the changed program does the same.", ""]
    lines += [_shown(*change, note=reason) for change, reason in sorted(known.items())]
    return [*lines, ""]


def _shown(file: str, before: str, after: str, note: str) -> str:
    return f"- {file}: `{_quoted(before)}` to `{_quoted(after) or 'nothing'}`: {note}"


def _quoted(code: str) -> str:
    return code.replace("`", "'")
