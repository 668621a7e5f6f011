"""Mutation testing: the operators for C, and rounds of a small room in C and in Python."""

import time
from collections import Counter
from pathlib import Path

import pytest

from common.errors import UserError
from tooling.mutate import c_room, mutate, python_room, report, rooms
from tooling.mutate.c_operators import Edit, edits
from tooling.mutate.outcome import Change, Round, Share, Survivor, Verdict
from tooling.mutate.rooms import Room


def mutants_of(source: str) -> set[str]:
    return {edit.applied_to(source) for edit in edits(source)}


@pytest.mark.parametrize(
    ("source", "mutants"),
    [
        ("a < b;", {"a <= b;", "a >= b;", ";"}),
        ("return a == b;", {"return a != b;"}),
        ("return a && b;", {"return a || b;"}),
        ("return a - b;", {"return a + b;"}),
        ("return -a;", {"return a;"}),
        ("return !a;", {"return a;"}),
        ("return a << b;", {"return a >> b;"}),
        ("return (a) & b;", {"return (a) | b;"}),
        ("return &a;", set()),
        ("return a->b;", set()),
        ("return 7u;", {"return 8u;", "return 6u;"}),
        ("return 0;", {"return 1;"}),
        ("return 0x0f;", {"return 16;", "return 14;"}),
        ("return true;", {"return false;"}),
        ("count++;", {"count--;", ";"}),
        ("send(a);", {";"}),
        ("a.b = c;", {";"}),
        ("const int a = b;", set()),
        ("uint8_t a = b;", set()),
        ("for (;a;) { send(a); }", {"for (;a;) { ; }"}),
    ],
)
def test_c_is_changed_in_one_place(source: str, mutants: set[str]) -> None:
    assert mutants_of(source) == mutants


@pytest.mark.parametrize(
    "source",
    [
        "/* 1 < 2 */",
        "// a + 1\n",
        '#include "a-1.h"',
        "#define A (1 + 2)",
        'f = "1 < 2"',
        "_Static_assert(1 < 2, s);",
    ],
)
def test_text_and_preprocessor_lines_are_not_changed(source: str) -> None:
    assert not mutants_of(source)


def test_a_change_shows_the_whole_line_and_its_number() -> None:
    source = "int f(int a)\n{\n    return a + b;\n}\n"
    [edit] = edits(source)
    assert edit.change_of(source, "f.c") == Change("f.c", "return a + b;", "return a - b;", line=3)


def test_the_interval_is_wilsons() -> None:
    low, high = Share(90, 100).interval()
    assert (round(low, 1), round(high, 1)) == (82.6, 94.5)
    assert Share(0, 0).interval() == (0.0, 100.0)


# --- A small room ---

# Its test does not look at negative numbers, so some mutants of the comparison survive.
C_SOURCE = """\
int positive(int value)
{
    return value > 0;
}
"""
C_TEST = """
import ctypes
def test_positive():
    library = ctypes.CDLL("./library.so")
    assert library.positive(1) == 1
    assert library.positive(0) == 0
"""
C_BUILD = (
    "import subprocess, sys;"
    "sys.exit(subprocess.run(['cc', '-shared', '-o', 'library.so', 'room/source.c']).returncode)"
)

PYTHON_SOURCE = """
def positive(value: int) -> bool:
    return value > 0

def unreached(value: int) -> int:
    return value + 1

def message(value: int) -> None:
    raise ValueError("the text")
"""
PYTHON_TEST = """
import pytest
from room.source import message, positive
def test_positive():
    assert positive(1)
def test_message():
    with pytest.raises(ValueError):
        message(1)
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project that is mutated instead of this one."""
    root = tmp_path / "tree"
    (root / "room").mkdir(parents=True)
    (root / "tests").mkdir()
    (root / "pyproject.toml").write_text('[project]\nname = "tree"\nversion = "1"\n')
    for module in (rooms, c_room):
        monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setattr(rooms, "MUTANTS", tmp_path / "mutants")
    return root


def in_a_minute() -> float:
    return time.monotonic() + 60


def test_a_room_in_c_is_judged_by_its_tests(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "room" / "source.c").write_text(C_SOURCE)
    (tree / "tests" / "test_source.py").write_text(C_TEST)
    monkeypatch.setattr(c_room, "_BUILD", C_BUILD)

    result = c_room.run(Room("room", "C", ("room/*.c",), ("tests",)), 0, 1, 1, in_a_minute())

    # >= and <= are killed, and so is the constant 1.
    assert (result.mutants, result.chosen) == (3, 3)
    assert result.verdicts == Counter({Verdict.KILLED: 3})
    (tree / "tests" / "test_source.py").write_text(C_TEST.replace("positive(0) == 0", "positive(1) == 1"))
    result = c_room.run(Room("room", "C", ("room/*.c",), ("tests",)), 0, 1, 1, in_a_minute())
    assert {survivor.change.after for survivor in result.survivors} == {"return value >= 0;"}
    assert (tree / "room" / "source.c").read_text() == C_SOURCE


def test_a_mutant_that_hangs_is_killed_and_one_that_is_not_c_does_not_count(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "room" / "source.c").write_text("int positive(int value) { value *= 2; return value; }")
    (tree / "tests" / "test_source.py").write_text("def test_nothing(): pass")
    monkeypatch.setattr(c_room, "_BUILD", C_BUILD)
    monkeypatch.setattr(c_room, "edits", lambda source: [Edit(0, 3, "in")])
    result = c_room.run(Room("room", "C", ("room/*.c",), ("tests",)), 0, 1, 1, in_a_minute())
    assert result.verdicts == Counter({Verdict.REFUSED: 1})


def test_code_that_fails_its_tests_is_not_mutated(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "room" / "source.c").write_text(C_SOURCE.replace(">", "<"))
    (tree / "tests" / "test_source.py").write_text(C_TEST)
    monkeypatch.setattr(c_room, "_BUILD", C_BUILD)
    with pytest.raises(UserError, match="The unchanged room fails its tests"):
        c_room.run(Room("room", "C", ("room/*.c",), ("tests",)), 0, 1, 1, in_a_minute())


def test_a_room_in_python_is_judged_by_its_tests(tree: Path) -> None:
    pytest.importorskip("mutmut", reason="mutmut is not installed")
    (tree / "room" / "__init__.py").touch()
    (tree / "room" / "source.py").write_text(PYTHON_SOURCE)
    (tree / "tests" / "test_source.py").write_text(PYTHON_TEST)

    result = python_room.run(Room("room", "Python", ("room",), ("tests",)), 0, 1, 1, in_a_minute())

    assert result.verdicts[Verdict.KILLED] >= 1
    assert {(survivor.change.before, survivor.verdict) for survivor in result.survivors} == {
        ("return value > 0", Verdict.SURVIVED),
        ("return value + 1", Verdict.UNREACHED),
    }


# --- The document ---


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "DOCUMENT", tmp_path / "MUTANTS.md")
    monkeypatch.setattr(report, "RECORDS", tmp_path / "mutants.json")
    return tmp_path / "MUTANTS.md"


def round_of(killed: int, *survivors: Change) -> Round:
    verdicts = Counter({Verdict.KILLED: killed, Verdict.SURVIVED: len(survivors), Verdict.REFUSED: 2})
    found = tuple(Survivor(change, Verdict.SURVIVED) for change in survivors)
    return Round("link", 100, killed + len(survivors) + 2, verdicts, found)


def test_the_document_has_the_first_and_the_last_measurement(document: Path) -> None:
    change = Change("firmware/link/link.c", "a < b", "a <= b")
    report.update([round_of(6, change, change)])
    report.update([round_of(7, change)])
    report.update([round_of(9, change)])
    text = document.read_text()
    assert "| `firmware/link/*.c` | C | 100 | 12 | 9 | 1 | 0 | 90.0 % |" in text
    assert "75.0 % of 8 |" in text
    assert "all tried" not in text
    assert text.count("firmware/link/link.c: `a < b` to `a <= b`: survived") == 1


def test_an_equivalent_mutant_does_not_count(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = tmp_path / "equivalent.json"
    known.write_text('[{"file": "f.c", "before": "a", "after": "b", "reason": "b is a"}]')
    monkeypatch.setattr(report, "EQUIVALENTS", known)
    report.update([round_of(9, Change("f.c", "a", "b", line=7))])
    text = document.read_text()
    assert "| 9 | 0 | 1 | 100.0 % |" in text
    assert "f.c: `a` to `b`: b is a" in text


def test_a_number_that_makes_no_sense_is_refused() -> None:
    for changed in ({"sample": -1}, {"minutes": 0}, {"jobs": 0}):
        with pytest.raises(UserError, match="is too small"):
            mutate.run(["link"], **{"sample": 1, "seed": 1, "minutes": 1, "jobs": 1, **changed})
    with pytest.raises(UserError, match="choose compiler, host, training, link"):
        mutate.run(["firmware"], sample=1, seed=1, minutes=1, jobs=1)
