"""No import runs upwards: each module imports only modules of the same room or of lower ones."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from common.paths import ROOT

# From the lowest layer to the highest; the longest name counts. Rooms in one layer do not import each other.
LAYERS = [
    ["common"],
    ["pictures"],
    ["data", "host"],
    ["compiler"],
    ["training", "tooling.processes", "tooling.tables", "tooling"],
    ["tooling.command_line", "tooling.setup", "tooling.size"],
    ["tooling.build"],
    ["tooling.simulate"],
    ["tooling.flash", "tooling.fuzz", "tooling.inference", "tooling.measure", "tooling.mutate"],
    ["tooling.demo", "tooling.suites", "tooling.text"],
    ["tooling.checks", "tooling.clean"],
    ["tasks"],
]
LAYER_OF = {room: layer for layer, rooms in enumerate(LAYERS) for room in rooms}


def modules() -> dict[str, Path]:
    rooms = {room.partition(".")[0] for room in LAYER_OF} - {"tasks"}
    paths = [ROOT / "tasks.py", *(path for room in sorted(rooms) for path in (ROOT / room).rglob("*.py"))]
    return {name_of(path): path for path in paths}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    return max((room for room in LAYER_OF if f"{module}.".startswith(f"{room}.")), key=len)


def imports(module: str, known: dict[str, Path], *, lazy: bool) -> Iterator[str]:
    """The modules of this project that a module imports; `lazy`: inside functions too."""
    tree = ast.parse(known[module].read_text())
    for node in ast.walk(tree) if lazy else tree.body:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            members = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in known else node.module for name in members]
        yield from (name for name in names if name in known and name != module)


def test_no_import_runs_upwards() -> None:
    known = modules()
    upward = [
        f"{module} imports {imported}"
        for module in known
        for imported in imports(module, known, lazy=True)
        if room_of(imported) != room_of(module)
        if LAYER_OF[room_of(imported)] >= LAYER_OF[room_of(module)]
    ]

    assert not upward


def test_there_are_no_cycles() -> None:
    known = modules()
    graph = {module: set(imports(module, known, lazy=False)) for module in known}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"These modules import each other: {' -> '.join(error.args[1])}")


def test_no_room_of_tooling_has_more_than_eight_files() -> None:
    folders = {path.parent for path in (ROOT / "tooling").rglob("*") if path.is_file()}
    for folder in folders - set((ROOT / "tooling").rglob("__pycache__")):
        files = [path.name for path in folder.iterdir() if path.is_file() and path.name != "__init__.py"]
        assert len(files) <= 8, f"{folder} has {len(files)} files: {sorted(files)}"
