"""Copies of the clone, in which tests type what a user types."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.paths import ROOT


@dataclass(frozen=True)
class Clone:
    """A copy of this clone's files, without what was built."""

    root: Path

    def environment(self, **variables: str) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(self.root), "COLUMNS": "100", **variables}

    def command(self, *arguments: str) -> list[str]:
        """The command that runs a task with this environment's Invoke."""
        return [str(Path(sys.prefix) / "bin" / "invoke"), *arguments]

    def run(
        self, arguments: Sequence[str], timeout: float = 300, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )


def copy_clone(folder: Path) -> Clone:
    """Copy what Git knows or would add; without Git, everything but what the tasks make."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode == 0 and listed.stdout:
        for name in listed.stdout.splitlines():
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
    else:
        ignored = shutil.ignore_patterns(".git", ".venv", ".tools", "build", "__pycache__", "*.egg-info")
        shutil.copytree(ROOT, folder, ignore=ignored, dirs_exist_ok=True)
    return Clone(folder)
