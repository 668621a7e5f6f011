"""Mutants, verdicts, and what a round of a room came to."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from enum import Enum

NORMAL_95 = 1.959964


class Verdict(Enum):
    """What the tests said of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    UNREACHED = "reached by no test"
    REFUSED = "refused by the compiler"
    UNJUDGED = "not judged"


@dataclass(frozen=True)
class Change:
    """A mutant as a reader sees it: the file, and its lines before and after."""

    file: str
    before: str
    after: str
    line: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """Identifies the change when lines above it come or go."""
        return self.file, self.before, self.after


@dataclass(frozen=True)
class Survivor:
    """A mutant that no test noticed."""

    change: Change
    verdict: Verdict


@dataclass(frozen=True)
class Round:
    """One measurement of one room: `mutants` exist, `chosen` were drawn, `verdicts` counts them."""

    room: str
    mutants: int
    chosen: int
    verdicts: Counter[Verdict]
    survivors: tuple[Survivor, ...] = ()


@dataclass(frozen=True)
class Share:
    """Killed mutants over all that could be killed."""

    killed: int
    judged: int

    def __str__(self) -> str:
        return f"{100 * self.killed / self.judged:.1f} %" if self.judged else "none"

    def interval(self) -> tuple[float, float]:
        """The 95 % interval in per cent (Wilson, 1927)."""
        if not self.judged:
            return 0.0, 100.0
        n, p, z = self.judged, self.killed / self.judged, NORMAL_95
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return 100 * max(0.0, middle - half), 100 * min(1.0, middle + half)
