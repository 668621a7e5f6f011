"""Numbers in the cells of a table."""

from __future__ import annotations

from collections.abc import Sequence

from tooling.cortex_m3 import CLOCK
from tooling.tools import table


def numbers_table(rows: Sequence[Sequence[str]], left: int = 2) -> str:
    """A table whose first `left` columns are text and whose others are numbers, flush right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return table(
        [
            [cell if column < left else cell.rjust(widths[column]) for column, cell in enumerate(row)]
            for row in rows
        ]
    )


def ratio(part: int, whole: int) -> str:
    """part / whole with two decimals, nothing where there is no whole."""
    return f"{part / whole:.2f}" if whole else ""


def percent(part: int, whole: int) -> str:
    """The share of `part` in `whole`."""
    return f"{100 * part / whole:.1f} %"


def milliseconds(cycles: int) -> str:
    """The time of so many cycles at the chip's full clock."""
    return f"{1000 * cycles / CLOCK:.2f} ms"
