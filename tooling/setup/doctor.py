"""`doctor`: a table of all tools, and the next command to type."""

from __future__ import annotations

import sys
from importlib import metadata, util
from pathlib import Path

from common.paths import ROOT
from tooling.setup import tools
from tooling.tables import table


def report() -> str:
    """The table of all tools and the next command."""
    rows = [("tool", "version", "found at", "needed by", "how to get it")]
    rows.append(("python", sys.version.split()[0], _relative(sys.executable), "everything", ""))
    for tool in tools.ALL_TOOLS:
        path = tool.path()
        how = "" if path else tools.how_to_get([tool])
        rows.append((tool.name, tool.version(), _relative(str(path or "missing")), tool.needed_by, how))
    rows.append(_torch())
    return f"{table(rows)}\n\n{next_command()}"


def next_command() -> str:
    """What to type next."""
    if absent := tools.missing([*tools.SYSTEM_TOOLS, tools.CMAKE, tools.NINJA]):
        return f"Next: {tools.how_to_get(absent)}."
    if tools.RENODE_TEST.path() is None:
        return "Next: type './inv sim-test', which downloads Renode, or runs on QEMU without it."
    return "Next: type './inv sim-test'."


def _torch() -> tuple[str, str, str, str, str]:
    """The row of torch, which is found without the seconds that importing it takes."""
    spec = util.find_spec("torch")
    if spec is None or spec.origin is None:
        return "torch", "", "missing", "train", "type './inv setup --train'"
    return "torch", metadata.version("torch"), _relative(str(Path(spec.origin).parent)), "train", ""


def _relative(path: str) -> str:
    return path.removeprefix(f"{ROOT}/")
