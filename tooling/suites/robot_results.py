"""What a Robot Framework run came to, counted from the results it wrote."""

from dataclasses import dataclass
from pathlib import Path

from robot.api import ExecutionResult
from robot.errors import DataError

from common.errors import UserError
from common.paths import shown


@dataclass(frozen=True)
class Counts:
    """How many tests passed, failed and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def executed(self) -> int:
        return self.passed + self.failed

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def read(output: Path) -> Counts:
    """The counts in a results file (output.xml, or robot_output.xml from Renode).

    Raises UserError when it is not there or broken, as after a run that was cut short.
    """
    try:
        total = ExecutionResult(output, include_keywords=False).statistics.total
    except (DataError, OSError):
        raise UserError(
            f"No test results in {shown(output)}: the run ended before it could write them."
        ) from None
    return Counts(total.passed, total.failed, total.skipped)
