"""Phrases to avoid: tooling/text/words.txt lists them, and no text or name of the project has one."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.paths import ROOT, shown
from tooling.text.files import text_files

LIST = Path(__file__).with_name("words.txt")

_DATA = ("data/mnist/", "models/", "tests/corpus/", "training/results/results.json")
_QUOTES = ("docs/MUTANTS.md", "docs/mutants", "tooling/text/words.txt")  # of code, and of the phrases
# What starts a line of a comment; a phrase may go on behind it.
_LEADER = re.compile(r"^[ \t]*(?:#|//|/?\*+(?!/)|>)[ \t]*", re.MULTILINE)


@dataclass(frozen=True)
class Phrase:
    """A phrase to avoid, and what to write instead."""

    pattern: re.Pattern[str]
    instead: str


@dataclass(frozen=True)
class Finding:
    """A place where a phrase stands."""

    path: Path
    line: int
    text: str
    instead: str

    def __str__(self) -> str:
        return f"{shown(self.path)}:{self.line}: '{self.text}': write {self.instead}"


def phrases(path: Path = LIST) -> list[Phrase]:
    """The phrases of a list: `regular expression: what to write instead`, one a line.

    A blank in the expression stands for any white space or underscores. Raises UserError for a line without a
    replacement or with a broken expression.
    """
    found = []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        pattern, separator, instead = line.rpartition(": ")
        try:
            if not separator:
                raise ValueError("it has no ': ' with what to write instead")
            flexible = r"(?<![A-Za-z])(?:" + pattern.replace(" ", r"\s+") + r")(?![A-Za-z])"
            found.append(Phrase(re.compile(flexible, re.IGNORECASE), instead.strip()))
        except (re.error, ValueError) as error:
            raise UserError(f"{shown(path)}:{number} is no phrase: {error}.") from None
    return found


def findings(paths: Iterable[Path], avoided: Sequence[Phrase]) -> Iterator[Finding]:
    """Each place in these files where a phrase stands, also across lines, in comments and in names."""
    for path in paths:
        try:
            text = path.read_text()
        except (UnicodeDecodeError, OSError):
            continue
        readable = _LEADER.sub(lambda match: " " * len(match.group()), text).replace("_", " ")
        places = [(match, phrase) for phrase in avoided for match in phrase.pattern.finditer(readable)]
        for match, phrase in sorted(places, key=lambda place: place[0].start()):
            line = text.count("\n", 0, match.start()) + 1
            yield Finding(path, line, " ".join(match.group().split()), phrase.instead)


def checked_files() -> list[Path]:
    """All text files of the project but data, models and the list itself."""
    return [
        path for path in text_files() if not path.relative_to(ROOT).as_posix().startswith(_DATA + _QUOTES)
    ]


def main() -> int:
    """Print the findings in the files of the command line, or in the whole project; 1 if there are any."""
    wanted = {Path(argument).resolve() for argument in sys.argv[1:]}
    paths = [path for path in checked_files() if not wanted or path in wanted]
    found = list(findings(paths, phrases()))
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
