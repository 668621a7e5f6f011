"""The checks of words and of links find what they are meant to find, where it stands."""

from pathlib import Path

import pytest

from common.errors import UserError
from tooling.text import links, words


@pytest.fixture
def avoided(tmp_path: Path) -> list[words.Phrase]:
    listed = tmp_path / "list.txt"
    listed.write_text("# A comment\n\nbrand spanking: new\nup and down: vertically\ntold: reported\n")
    return words.phrases(listed)


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("It is brand spanking.", 1, "brand spanking"),
        ("One\nIt is brand\nspanking.", 2, "brand spanking"),
        ("# It is brand\n# spanking.", 1, "brand spanking"),
        ("/* It is brand\n * spanking. */", 1, "brand spanking"),
        ("    // It is brand\n    // spanking", 1, "brand spanking"),
        ("def walk_up_and_down():", 1, "up and down"),
        ("Brand spanking", 1, "Brand spanking"),
        ("x.told = 1", 1, "told"),
    ],
)
def test_a_phrase_is_found_in_prose_comments_and_names(
    text: str, line: int, found: str, avoided: list[words.Phrase], tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    [finding] = words.findings([page], avoided)
    assert (finding.line, finding.text) == (line, found)
    assert str(finding).endswith(f"page.md:{line}: '{found}': write {finding.instead}")


@pytest.mark.parametrize("text", ["It was of any brand", "untold", "up and downs", "brand\n spank"])
def test_a_part_of_a_word_is_no_phrase(text: str, avoided: list[words.Phrase], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    assert not list(words.findings([page], avoided))


@pytest.mark.parametrize("line", ["brand spanking", "made (anew: rebuilt"])
def test_a_broken_list_is_one_sentence(line: str, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(f"told: reported\n{line}\n")
    with pytest.raises(UserError, match=r"list\.txt:2 is no phrase"):
        words.phrases(listed)


def test_each_phrase_of_the_list_matches_and_says_what_to_write() -> None:
    assert len(words.phrases()) > 20
    assert all(phrase.instead for phrase in words.phrases())


def test_the_code_of_the_project_is_among_the_checked_files() -> None:
    names = {path.name for path in words.checked_files()}
    assert {"README.md", "link.c", "tasks.py", "inv", "faults.robot", "STM32F103_RCC.cs"} <= names
    assert "words.txt" not in names


# --- Links ---


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(links, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# One thing\n\n## `code` and (more)\n\n## One thing\n")
    (tmp_path / "a file.txt").touch()
    return tmp_path


@pytest.mark.parametrize(
    "link",
    [
        "[a](docs/a.md)",
        "[a](docs)",
        "[a](docs/a.md#one-thing)",
        "[a](docs/a.md#one-thing-1)",
        "[a](docs/a.md#code-and-more)",
        "[a](#here)",
        "[a](a%20file.txt)",
        "[a](https://example.org/nothing)",
        "`[a](nothing.md)`",
        "    [a](nothing.md)",
        "```\n[a](nothing.md)\n```",
    ],
)
def test_a_good_link_passes(link: str, project: Path) -> None:
    page = project / "page.md"
    page.write_text(f"# Here\n\n{link}\n")
    assert not list(links.broken_links([page]))


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        ("[a](nothing.md)", "there is no such file"),
        ("![a](docs/nothing.svg)", "there is no such file"),
        ("[a]: nothing.md", "there is no such file"),
        ('<img src="nothing.svg">', "there is no such file"),
        ("[a](docs/a.md#two)", "the page has no such heading"),
        ("[a](#there)", "the page has no such heading"),
        ("[a](..)", "it leads out of the repository"),
    ],
)
def test_a_broken_link_is_found(link: str, reason: str, project: Path) -> None:
    page = project / "page.md"
    page.write_text(f"# Here\n\n    code\n\n{link}\n")
    [found] = links.broken_links([page])
    assert found.endswith(reason)
    assert "page.md:5: " in found
