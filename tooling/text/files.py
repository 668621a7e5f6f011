"""The text files of the project."""

from __future__ import annotations

import shutil
from pathlib import Path

from common.paths import ROOT
from tooling import processes

_GIT_LIMIT = 60.0
_NOT_OURS = {".venv", ".tools", "build", "node_modules"}


def text_files(*suffixes: str) -> list[Path]:
    """The project's files, with one of these suffixes if there are any: what git does not ignore, sorted."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        output = processes.run(command, cwd=ROOT, timeout=_GIT_LIMIT, capture=True).output
        paths = {ROOT / name for name in output.split("\0") if name}
    else:
        paths = {path for path in ROOT.rglob("*") if not _NOT_OURS & set(path.relative_to(ROOT).parts)}
    return sorted(path for path in paths if (not suffixes or path.suffix in suffixes) and path.is_file())
