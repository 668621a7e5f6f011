"""Rooms of the firmware include only what lies below them, and no two files include each other."""

import re

import pytest

from common.paths import FIRMWARE

GENERATED = "model.h"
FILES = {
    path.relative_to(FIRMWARE).as_posix(): path
    for path in sorted(FIRMWARE.rglob("*.[ch]"))
    if "build" not in path.parts
}

# What each room may include beside its own files. fuzz/ and simulated/ test all of them and may include any.
MAY_INCLUDE = {
    "network": set(),
    "link": set(),
    "boards/board.h": {"link"},
    "app": {"boards/board.h", "link", "network"},
    "chips": {"boards/board.h", "boards", "link", "app"},
    "boards": {"boards/board.h", "link", "app"},
}


def room(name: str) -> str:
    return name if name in MAY_INCLUDE else name.split("/")[0]


def included(name: str) -> set[str]:
    """The files that a file includes. A board's configuration has the same name in each board."""
    found = set(re.findall(r'^#include "(.+)"', FILES[name].read_text(), re.MULTILINE)) - {GENERATED}
    files = {include: [other for other in FILES if f"/{other}".endswith(f"/{include}")] for include in found}
    assert all(files.values()), f"{name} includes what is not there: {files}"
    return {other for others in files.values() for other in others}


@pytest.mark.parametrize("name", [name for name in FILES if room(name) not in ("fuzz", "simulated")])
def test_a_room_includes_only_rooms_below_it(name: str) -> None:
    own = room(name)

    assert {room(other) for other in included(name)} <= MAY_INCLUDE[own] | {own}


def test_no_files_include_each_other() -> None:
    def visit(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " includes ".join((*above, name))
        for other in included(name):
            visit(other, (*above, name))

    for name in FILES:
        visit(name, ())
