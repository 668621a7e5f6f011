"""Draws what `infer` prints in a terminal: `python -m tooling.inference.screenshot` writes docs/infer.svg."""

from __future__ import annotations

import io
import re
import sys

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from common.errors import UserError
from common.files import write_atomically
from common.paths import ROOT, shown
from tooling import processes

PICTURE = ROOT / "docs" / "infer.svg"

_ARGUMENTS = ["infer", "7"]
_TITLE = "A simulated Blue Pill reads a digit"
_WIDTH = 116  # characters
_COLOURS = {"FORCE_COLOR": "1", "COLORTERM": "truecolor", "TERM": "xterm-256color"}
_LIMIT = 300.0  # seconds


def main() -> int:
    """Run `infer` and draw its output. Returns the exit status."""
    command = [sys.executable, "-m", "invoke", *_ARGUMENTS]
    finished = processes.run(command, cwd=ROOT, timeout=_LIMIT, capture=True, extra_environment=_COLOURS)
    if finished.status != 0:
        raise UserError(f"infer failed: {finished.output.strip()}")
    if "Attempt" in finished.output:
        raise UserError("The computer was so busy that an image was sent twice: try again.")
    answer = finished.output[finished.output.index("Test image") :].rstrip()
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ ./inv {' '.join(_ARGUMENTS)}"))
    console.print(Text.from_ansi(answer))
    layout = re.sub(
        r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL
    )  # fonts from elsewhere
    drawing = console.export_svg(title=_TITLE, unique_id="infer", code_format=layout)
    write_atomically(PICTURE, drawing.encode())
    print(f"{shown(PICTURE)} shows what infer prints now.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UserError as error:
        sys.exit(str(error))
