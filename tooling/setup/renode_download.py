"""Downloading Renode's release: complete and checked, or not at all."""

from __future__ import annotations

import re
import shutil
import tarfile
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from common.errors import UserError
from common.locks import locked
from common.paths import TOOLS, shown
from tooling import processes
from tooling.setup import renode, renode_release
from tooling.setup.renode_release import VERSION, Archive

_CONNECT_TIMEOUT = 20.0
_RETRIES = 2
_IMAGE_LIMIT = 300.0  # seconds to mount a disk image and to copy what it holds

# After a failed try, tasks that would like to have Renode do not try again for so long; `setup` always does.
_RETRY_AFTER = 3600.0
_LAST_FAILURE = TOOLS / "renode-not-fetched.txt"


def why_not_here() -> str:
    """Why the last download failed; '' if there was none lately."""
    try:
        age = time.time() - _LAST_FAILURE.stat().st_mtime
        return _LAST_FAILURE.read_text() if 0 <= age < _RETRY_AFTER else ""
    except OSError:
        return ""


def fetch(archive_file: Path | None = None) -> None:
    """Put Renode into .tools/, from its release on GitHub or from a copy of the archive.

    Raises UserError, and leaves nothing unfinished, if that fails; `why_not_here` returns the reason.
    """
    renode.HOME.parent.mkdir(parents=True, exist_ok=True)
    TOOLS.mkdir(exist_ok=True)
    with locked(renode.HOME.parent / ".lock", "a download of Renode"):
        if renode.HOME.is_dir():
            return
        try:
            _fetch(archive_file)
        except UserError as error:
            _LAST_FAILURE.write_text(str(error))
            raise
        _LAST_FAILURE.unlink(missing_ok=True)


def _fetch(archive_file: Path | None) -> None:
    archive = renode_release.archive()
    if archive is None:
        raise UserError(
            f"There is no portable Renode {VERSION} for this kind of computer: install it from "
            "https://renode.io, so that renode-test is on PATH."
        )
    for abandoned in renode.HOME.parent.glob("incoming-*"):  # of a process that was killed: it held the lock
        shutil.rmtree(abandoned, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="incoming-", dir=renode.HOME.parent) as name:
        folder = Path(name)
        archive_file = archive_file or _download(archive, folder)
        _check(archive, archive_file)
        unpacked = folder / "unpacked"
        if archive.name.endswith(".dmg"):
            _unpack_disk_image(archive_file, folder / "volume", unpacked)
        else:
            unpacked = _unpack_tar(archive_file, unpacked)
        if not (unpacked / "renode-test").is_file():
            raise UserError("Renode's archive does not hold renode-test.")
        unpacked.replace(renode.HOME)


def _download(archive: Archive, folder: Path) -> Path:
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    source = pooch.create(
        path=folder,
        base_url=renode_release.RELEASE_URL,
        registry={archive.name: f"sha256:{archive.sha256}"},
        retry_if_failed=_RETRIES,
    )
    try:
        with _Progress() as progress:
            downloader = pooch.HTTPDownloader(
                progressbar=progress, timeout=_CONNECT_TIMEOUT, chunk_size=1 << 16
            )
            return Path(source.fetch(archive.name, downloader=downloader))
    except (requests.RequestException, OSError, ValueError) as error:
        raise UserError(
            f"Renode {VERSION} could not be downloaded ({_reason(error)}): when {archive.url} "
            "can be reached, type './inv setup' again, or './inv setup --renode-archive FILE' with a copy."
        ) from None


def _reason(error: Exception) -> str:
    """The system's reason in one of requests' nested messages."""
    text = str(error)
    if isinstance(error, ValueError) and "hash" in text:
        return "what arrived is not the archive: its SHA-256 differs"
    found = re.findall(r"\[Errno -?\d+\] ([^'\"()]+)", text) or re.findall(r"(\d{3} [\w ]+Error): ", text)
    return str(found[-1]).strip() if found else type(error).__name__


class _Progress:
    """What pooch's downloader reports to: a bar in a terminal, a line for every tenth in a log."""

    def __init__(self) -> None:
        self.total = 0
        self._done = 0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bar.add_task(f"Renode {VERSION}", total=None)

    def __enter__(self) -> _Progress:
        if self._bar.console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, count: int) -> None:
        before, self._done = self._done, min(self._done + count, self.total)
        if self._bar.console.is_terminal:
            self._bar.update(self._task, completed=self._done, total=self.total)
        elif self.total and before * 10 // self.total < self._done * 10 // self.total:
            self._bar.console.print(
                f"Renode {VERSION}: {self._done >> 20} of {self.total >> 20} MiB", highlight=False
            )

    def reset(self) -> None:
        """pooch resets and fills the bar at the end; `update` never exceeds the total."""

    def close(self) -> None:
        """The bar ends with its context."""


def _check(archive: Archive, file: Path) -> None:
    """Raises UserError if the file is not that archive."""
    import pooch

    try:
        digest = pooch.file_hash(str(file))
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.") from None
    if digest != archive.sha256:
        raise UserError(
            f"{shown(file)} is not Renode {VERSION}'s archive for this computer: its SHA-256 is "
            f"{digest[:16]}..., not {archive.sha256[:16]}...; download it again from {archive.url}."
        )


def _unpack_tar(file: Path, folder: Path) -> Path:
    """Unpack a tar archive into `folder`; returns the one folder that it holds."""
    folder.mkdir()
    try:
        with tarfile.open(file) as tar:
            if hasattr(tarfile, "data_filter"):
                tar.extractall(folder, filter="data")
            else:  # Python 3.10 and 3.11 before their security updates
                for member in tar.getmembers():
                    inside = (folder / member.name).resolve().is_relative_to(folder.resolve())
                    if not inside or not (member.isfile() or member.isdir()):
                        raise tarfile.TarError(f"it holds {member.name}")
                tar.extractall(folder)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise UserError(
            f"Renode's archive cannot be unpacked ({error}): check the free space of the disk, then type "
            "'./inv setup'."
        ) from None
    roots = list(folder.iterdir())
    if len(roots) != 1:
        raise UserError("Renode's archive does not hold one folder.")
    return roots[0]


def _unpack_disk_image(file: Path, volume: Path, folder: Path) -> None:
    """Copy the programs in a macOS disk image to `folder`; `volume` is where it is mounted meanwhile."""
    volume.mkdir()
    attach: list[str | Path] = ["hdiutil", "attach", "-nobrowse", "-readonly", "-mountpoint", volume, file]
    if processes.run(attach, timeout=_IMAGE_LIMIT, capture=True).status != 0:
        raise UserError(f"{shown(file)} cannot be mounted: check the free space of the disk, then try again.")
    try:
        shutil.copytree(volume / "Renode.app" / "Contents" / "MacOS", folder, symlinks=True)
    except OSError as error:
        raise UserError(f"Renode cannot be copied out of {shown(file)}: {error}.") from None
    finally:
        processes.run(["hdiutil", "detach", "-force", volume], timeout=_IMAGE_LIMIT, capture=True)
