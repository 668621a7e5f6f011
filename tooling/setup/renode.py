"""Renode: where it is, and how it gets here.

A Renode on PATH is used as it is. Otherwise `fetch` brings the portable archive of one release, whose
checksum is known, to .tools/.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.errors import UserError
from common.paths import TOOLS, shown
from tooling import processes

VERSION = "1.16.1"
ARCHIVE_URL = f"https://github.com/renode/renode/releases/download/v{VERSION}/renode-{VERSION}.linux-portable-dotnet.tar.gz"
ARCHIVE_SHA256 = "00e113cdbd0f5354cf2f64bbe3f5a070d8958409542fca66e45ac97d982938c0"

HOME = TOOLS / f"renode-{VERSION}"

_CONNECT_TIMEOUT = 20.0
_DOWNLOAD_LIMIT = 1800.0
# A task that would like to have Renode does not try again for so long after a failed try; `setup` always
# does.
_RETRY_AFTER = 3600.0
_LAST_FAILURE = TOOLS / "renode-not-fetched.txt"

# .NET would otherwise ask for the system's ICU library, which small systems lack.
ENVIRONMENT = {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}


def find_runner() -> Path | None:
    """Renode's own renode-test: the first on PATH that is not this project's, or the fetched one."""
    for folder in processes.environment()["PATH"].split(os.pathsep):
        found = shutil.which("renode-test", path=folder)
        if found and not _is_ours(Path(found)):
            return Path(found)
    fetched = HOME / "renode-test"
    return fetched if fetched.is_file() else None


def find_renode() -> Path | None:
    """The simulator that belongs to `find_runner`: beside it, or on PATH."""
    runner = find_runner()
    if runner and (beside := runner.resolve().with_name("renode")).is_file() and os.access(beside, os.X_OK):
        return beside
    found = shutil.which("renode", path=processes.environment()["PATH"])
    return Path(found) if found else None


def _is_ours(script: Path) -> bool:
    """Whether `script` is this project's own renode-test, of this or another environment."""
    try:
        with script.open("rb") as file:
            return b"tooling.suites.renode_test" in file.read(4096)
    except OSError:
        return False


def why_not_here() -> str:
    """Why there is no Renode, as far as the last try to fetch it tells; '' when none was made lately."""
    try:
        age = time.time() - _LAST_FAILURE.stat().st_mtime
        return _LAST_FAILURE.read_text() if 0 <= age < _RETRY_AFTER else ""
    except OSError:
        return ""


def fetch(archive: Path | None = None) -> None:
    """Put Renode into .tools/, from its release on GitHub or from an archive already downloaded.

    Raises UserError, and leaves nothing half done, when that does not work; the reason is kept for
    `why_not_here`.
    """
    TOOLS.mkdir(exist_ok=True)
    with _lock():
        if HOME.is_dir():
            return
        try:
            _fetch(archive)
        except UserError as error:
            _LAST_FAILURE.write_text(str(error))
            raise
        _LAST_FAILURE.unlink(missing_ok=True)


def _fetch(archive: Path | None) -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise UserError(
            f"Renode {VERSION} is fetched for Linux on x86-64 only: install it from https://renode.io, "
            "so that renode-test is on PATH."
        )
    for abandoned in TOOLS.glob("incoming-*"):  # of a process that was killed; the lock says that it is gone
        shutil.rmtree(abandoned, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="incoming-", dir=TOOLS) as folder:
        if archive is None:
            archive = Path(folder) / "renode.tar.gz"
            _download(ARCHIVE_URL, archive)
        _check(archive)
        _unpack(archive, Path(folder) / "unpacked").replace(HOME)


def _download(url: str, target: Path) -> None:
    deadline = time.monotonic() + _DOWNLOAD_LIMIT
    try:
        with urllib.request.urlopen(url, timeout=_CONNECT_TIMEOUT) as response, target.open("wb") as file:
            total = int(response.headers.get("Content-Length") or 0)
            progress = _Progress(f"fetching Renode {VERSION}", total)
            while block := response.read(1 << 16):
                file.write(block)
                progress.add(len(block))
                if time.monotonic() > deadline:
                    raise TimeoutError(f"it took longer than {_DOWNLOAD_LIMIT / 60:.0f} minutes")
            if total and file.tell() != total:
                raise OSError("the connection was closed early")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        reason = getattr(reason, "strerror", None) or reason
        raise UserError(
            f"Renode {VERSION} could not be fetched ({str(reason).rstrip('.')}): when {url} can be had, "
            "type './inv setup' again, or './inv setup --renode-archive FILE' with a copy of it."
        ) from None


class _Progress:
    """How far a download is: a line that grows in a terminal, one line for every tenth in a log."""

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total, self.done, self.shown = title, total, 0, -1
        self.step = 1 if sys.stderr.isatty() else 10

    def add(self, count: int) -> None:
        self.done += count
        percent = self.done * 100 // self.total if self.total else 0
        if percent // self.step == self.shown:
            return
        self.shown = percent // self.step
        line = f"{self.title}: {self.done >> 20} of {self.total >> 20} MiB, {percent} %"
        is_last = self.done >= self.total
        print(
            f"\r{line}" if self.step == 1 else line,
            end="" if self.step == 1 and not is_last else "\n",
            file=sys.stderr,
        )


def _check(archive: Path) -> None:
    digest = hashlib.sha256()
    try:
        with archive.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise UserError(f"{archive} cannot be read: {error.strerror}.") from None
    if digest.hexdigest() != ARCHIVE_SHA256:
        raise UserError(
            f"{shown(archive)} is not Renode {VERSION}'s archive: its SHA-256 is "
            f"{digest.hexdigest()[:16]}..., not {ARCHIVE_SHA256[:16]}...; get it again from {ARCHIVE_URL}."
        )


def _unpack(archive: Path, folder: Path) -> Path:
    """Unpack `archive` into `folder`; the one folder that it holds."""
    folder.mkdir()
    try:
        with tarfile.open(archive) as tar:
            if hasattr(tarfile, "data_filter"):
                tar.extractall(folder, filter="data")
            else:  # Python 3.10 and 3.11 before their security updates
                for member in tar.getmembers():
                    if not (folder / member.name).resolve().is_relative_to(folder) or not (
                        member.isfile() or member.isdir()
                    ):
                        raise tarfile.TarError(f"it holds {member.name}")
                tar.extractall(folder)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise UserError(
            f"Renode's archive cannot be unpacked ({error}): check the disk's free space, then './inv setup'."
        ) from None
    roots = list(folder.iterdir())
    if len(roots) != 1 or not (roots[0] / "renode-test").is_file():
        raise UserError("Renode's archive does not hold one folder with renode-test in it.")
    return roots[0]


@contextmanager
def _lock() -> Iterator[None]:
    """One process at a time changes .tools/; the system lets go of the lock of a process that was killed."""
    with (TOOLS / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Waiting for another setup to finish.", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
