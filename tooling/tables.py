"""Tables of text, and numbers in their cells."""

from __future__ import annotations

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], left: int | None = None) -> str:
    """`rows`, the first of them the heading, in columns as wide as needed.

    `left`: how many columns stand flush left before those of numbers, which stand flush right; None for all.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    texts = len(widths) if left is None else left

    def line(row: Sequence[str]) -> str:
        cells = [
            cell.ljust(width) if column < texts else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join([line(rows[0]), "  ".join("-" * width for width in widths), *map(line, rows[1:])])


def ratio(part: int, whole: int) -> str:
    """part / whole with two decimals, nothing where there is no whole."""
    return f"{part / whole:.2f}" if whole else ""


def percent(part: int, whole: int) -> str:
    """The share of `part` in `whole`."""
    return f"{100 * part / whole:.1f} %"


def markdown(rows: Sequence[Sequence[str]], left: int | None = None) -> str:
    """`rows`, the first of them the heading, as a table in Markdown; `left` as in `table`."""
    texts = len(rows[0]) if left is None else left
    rule = ["---" if column < texts else "---:" for column in range(len(rows[0]))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]])
