"""Which suites a user names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from robot.api import TestSuite
from robot.errors import DataError

from common.errors import UserError
from common.paths import SUITES

NO_SUITES = "No suite was selected: name a suite or a folder with suites, as in 'renode-test robot_tests/'."


def select(names: Sequence[str | Path] = ()) -> list[Path]:
    """The files of these suites and folders, by default of robot_tests/.

    Raises UserError if one is missing or if they hold no test.
    """
    paths = [suite for name in names or [SUITES] for suite in expand(Path(name))]
    if count_tests(paths) == 0:
        raise UserError(NO_SUITES)
    return paths


def expand(path: Path) -> list[Path]:
    """The suites that `path` names: itself, or all in a folder, sorted by name."""
    if path.is_dir():
        return sorted(suite for suite in path.rglob("*.robot") if suite.name != "__init__.robot")
    if path.suffix != ".robot" or not path.is_file():
        raise UserError(f"{path} is neither a folder nor a .robot file.")
    return [path]


def count_tests(suites: Sequence[Path]) -> int:
    """How many tests `suites` hold. Raises UserError if one cannot be read."""
    try:
        return sum(
            TestSuite.from_file_system(str(suite), allow_empty_suite=True).test_count for suite in suites
        )
    except DataError as error:
        raise UserError(f"A suite cannot be read: {error}") from None
