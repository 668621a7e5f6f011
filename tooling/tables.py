"""Tables of text, and numbers in their cells."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Sequence

from rich.box import Box
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

_UNLIMITED = 1000  # characters: a log has no width

# Nothing but a line of dashes below the heading.
_BOX = Box("    \n    \n -  \n    \n    \n    \n    \n    \n", ascii=True)


def table(rows: Sequence[Sequence[str]], left: int | None = None) -> str:
    """`rows`, the first of them the heading, in columns. In a terminal, long texts are wrapped to its width.

    `left`: how many columns are texts, flush left; the others are numbers, flush right. None: all are texts.
    """
    heading, *body = rows
    texts = len(heading) if left is None else left
    made = Table(box=_BOX, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column, title in enumerate(heading):
        is_text = column < texts
        justify: JustifyMethod = "left" if is_text else "right"
        made.add_column(Text(title), justify=justify, no_wrap=column == 0 or not is_text, overflow="fold")
    for row in body:
        made.add_row(*map(Text, row))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNLIMITED
    text = io.StringIO()
    Console(file=text, width=width, color_system=None).print(made)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


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
