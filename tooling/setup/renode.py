"""Where Renode is: on PATH, or the release that `setup` downloaded."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from common.errors import UserError
from common.paths import ROOT, TOOLS
from tooling import processes
from tooling.setup.renode_release import VERSION

# Renode's scripts fail in a folder with blanks in its path.
_FOLDER = Path.home() / ".cache" / "bluepill-mnist" if any(map(str.isspace, str(TOOLS))) else TOOLS
HOME = _FOLDER / f"renode-{VERSION}"

# .NET would otherwise need the system's ICU library, which small systems lack.
ENVIRONMENT = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}


def find_runner() -> Path | None:
    """Renode's own renode-test: the first on PATH that is not this project's, or the downloaded one."""
    for folder in processes.environment()["PATH"].split(os.pathsep):
        found = shutil.which("renode-test", path=folder)
        if found and not _is_ours(Path(found)):
            return Path(found)
    downloaded = HOME / "renode-test"
    return downloaded if downloaded.is_file() else None


def find_renode() -> Path | None:
    """The simulator that belongs to `find_runner`: beside it, or on PATH."""
    runner = find_runner()
    if runner and (beside := runner.resolve().with_name("renode")).is_file() and os.access(beside, os.X_OK):
        return beside
    found = shutil.which("renode", path=processes.environment()["PATH"])
    return Path(found) if found else None


def require() -> Path:
    """The simulator, ready to be started. Raises UserError if it is missing or must not be started here."""
    program = find_renode()
    if program is None:
        raise UserError(
            "Renode was not found: type './inv setup' (sim and sim-test also run with --on qemu)."
        )
    check_location()
    return program


def check_location() -> None:
    """Raises UserError if Renode would delete this clone or the working folder.

    When it starts and ends, Renode 1.16.1 deletes every folder renode-... in the temporary directory whose
    suffix is not the number of a running process.
    """
    temporary = Path(os.environ.get("TMPDIR") or "/tmp").resolve()
    for folder in (ROOT, Path.cwd()):
        place = folder.resolve()
        if place == temporary or not place.is_relative_to(temporary):
            continue
        outermost = temporary / place.relative_to(temporary).parts[0]
        if outermost.name.startswith("renode-"):
            raise UserError(
                f"Renode deletes folders like {outermost} when it starts: move what is in it to a folder "
                "with another name."
            )


def _is_ours(script: Path) -> bool:
    """Whether `script` is this project's renode-test, of this or another environment."""
    try:
        with script.open("rb") as file:
            return b"tooling.suites.renode_test" in file.read(4096)
    except OSError:
        return False
