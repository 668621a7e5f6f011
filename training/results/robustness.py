"""The robustness of the recorded networks: robustness.json, and its part of RESULTS.md."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common.errors import UserError
from common.files import write_atomically
from common.paths import shown
from training.robustness.benchmark import Robustness
from training.robustness.kinds import KINDS, STRENGTHS, Kind

_HEAD = f"""\
## Robustness

`./inv results --robustness` measures the integers of the networks, compiled for this computer, on the 10,000
test images under each of {len(KINDS)} kinds of corruption at {len(STRENGTHS)} strengths, and draws
[examples with the answers](../../docs/robustness.png). `training/robustness/` has the kinds. No network was
trained on them and no recipe was chosen on them. A cell has the percentages at the strengths
{", ".join(STRENGTHS)}.
"""

# By the checksum of a network. Its name and seed are in results.json alone.
Measurements = dict[str, Robustness]


def file_beside(results: Path) -> Path:
    """The file of the measurements that belong to a results.json."""
    return results.with_name("robustness.json")


def load(path: Path) -> Measurements:
    """The measurements; none if there is no file. Raises UserError if it is damaged."""
    if not path.is_file():
        return {}
    try:
        return {checksum: Robustness(**values) for checksum, values in json.loads(path.read_text()).items()}
    except (OSError, ValueError, TypeError):
        raise UserError(f"{shown(path)} cannot be read: restore it with git.") from None


def record(measured: Mapping[str, Robustness], path: Path, recorded: Iterable[str]) -> None:
    """Enter measurements and write the file. Those of networks that are no longer recorded are removed."""
    every = load(path) | dict(measured)
    content = {key: asdict(every[key]) for key in sorted(every.keys() & set(recorded))}
    write_atomically(path, f"{json.dumps(content, indent=1)}\n".encode())


def section(entries: Iterable[Mapping[str, Any]], measurements: Measurements) -> str:
    """The part of RESULTS.md about the entries of results.json that are measured; empty if there are none."""
    measured: dict[str, list[Robustness]] = {}
    for entry in entries:
        if entry["checksum"] in measurements:
            measured.setdefault(entry["name"], []).append(measurements[entry["checksum"]])
    if not measured:
        return ""
    columns = list(measured.values())

    def row(title: str, cell: Callable[[Sequence[Robustness]], str]) -> str:
        return f"| {' | '.join([title, *map(cell, columns)])} |"

    rows = [
        f"| {' | '.join(['corruption', *measured])} |",
        f"| {' | '.join(['---'] * (len(measured) + 1))} |",
        row("seeds measured", lambda seeds: str(len(seeds))),
        row("none", lambda seeds: _spread([seed.clean for seed in seeds])),
        *(row(_title(kind), _cell(kind.name)) for kind in KINDS),
        row("**mean of all kinds**", lambda seeds: f"**{_spread([seed.mean for seed in seeds])}**"),
        row("lowest kind at medium strength", lambda seeds: _spread([seed.lowest_medium for seed in seeds])),
    ]
    return "\n".join([_HEAD, *rows, ""])


def _cell(kind: str) -> Callable[[Sequence[Robustness]], str]:
    def cell(seeds: Sequence[Robustness]) -> str:
        strengths = zip(*(seed.kinds[kind] for seed in seeds), strict=True)
        means = (statistics.mean(accuracies) for accuracies in strengths)
        return " / ".join(f"{100 * mean:.1f}" for mean in means)

    return cell


def _spread(values: Sequence[float]) -> str:
    text = f"{100 * statistics.mean(values):.2f}"
    return f"{text} ± {100 * statistics.stdev(values):.2f}" if len(values) > 1 else text


def _title(kind: Kind) -> str:
    parameters = ", ".join(f"{value:g}" for value in kind.parameters)
    return f"{kind.name}: {parameters} {kind.meaning}"
