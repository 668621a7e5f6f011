"""The rooms whose tests are measured, and their copies in the build folder."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.paths import BUILD, ROOT

MUTANTS = BUILD / "mutants"

_NOT_COPIED = (".git", ".venv", ".tools", "build", "mutants", "__pycache__", ".*_cache", ".hypothesis")


@dataclass(frozen=True)
class Room:
    """One folder of source, and the quick tests that judge its mutants.

    `sources` are paths or glob patterns of files, `tests` arguments of pytest; both relative to the root.
    """

    name: str
    language: str
    sources: tuple[str, ...]
    tests: tuple[str, ...]
    forks_safely: bool = True
    """False where the tests load torch, whose threads do not survive a fork."""


ROOMS = {
    room.name: room
    for room in (
        Room("compiler", "Python", ("compiler",), ("tests/compiler", "-k", "not all_test_images")),
        # Mutated code imports mutmut, which that test does not allow.
        Room("host", "Python", ("host",), ("tests/host", "--ignore=tests/host/test_standalone.py")),
        Room("training", "Python", ("training",), ("tests/training",), forks_safely=False),
        Room(
            "link",
            "C",
            ("firmware/link/*.c",),
            (
                "tests/firmware/link/test_text.py",
                "tests/firmware/link/damage/test_error_details.py",
                "tests/firmware/link/buffers/test_receive_buffer.py",
                "tests/firmware/link",
            ),
        ),
    )
}


def named(name: str) -> Room:
    """The room of that name. Raises UserError that lists the names."""
    if name not in ROOMS:
        raise UserError(f"There is no folder '{name}' to mutate: choose {', '.join(ROOMS)}.")
    return ROOMS[name]


def copy_tree(name: str) -> Path:
    """Copy the working tree, without what was built, to build/mutants/NAME; the copy."""
    copy = MUTANTS / name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*_NOT_COPIED), symlinks=True)
    return copy
