"""Relative links in Markdown: each one leads to a file, and to a heading of it if it names one."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote

from common.paths import ROOT, shown
from tooling.text.files import text_files

_CODE = re.compile(r"```.*?```|`[^`\n]*`|^(?: {4}|\t)[^\n]*$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(
    r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s*(\S+)|(?:src|href)=\"([^\"]+)\"",
    re.MULTILINE,
)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


def broken_links(paths: Iterable[Path]) -> Iterator[str]:
    """One sentence for each relative link that leads nowhere."""
    for path in paths:
        text = path.read_text()
        readable = _CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
        for match in _LINK.finditer(readable):
            target = next(group for group in match.groups() if group)
            if reason := _problem(path, target):
                line = readable.count("\n", 0, match.start()) + 1
                yield f"{shown(path)}:{line}: {target}: {reason}"


def _problem(page: Path, target: str) -> str:
    """What is wrong with a link, '' if nothing or if it leads out of the project."""
    if re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE):
        return ""
    name, _, anchor = unquote(target).partition("#")
    file = (page.parent / name).resolve() if name else page
    if not file.exists():
        return "there is no such file"
    if not file.is_relative_to(ROOT):
        return "it leads out of the repository"
    if anchor and file.suffix == ".md" and anchor not in _anchors(file.read_text()):
        return "the page has no such heading"
    return ""


def _anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    anchors: set[str] = set()
    for heading in _HEADING.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        base = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        anchor, number = base, 0
        while anchor in anchors:
            number += 1
            anchor = f"{base}-{number}"
        anchors.add(anchor)
    return anchors


def main() -> int:
    """Print the broken links of all pages; 1 if there are any."""
    found = list(broken_links(text_files(".md")))
    print("\n".join(found) if found else "All relative links lead somewhere.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
