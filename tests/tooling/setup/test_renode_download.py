"""Downloading Renode: complete and checked, or not at all. The archives are made up."""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import platform
import sys
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from common.errors import UserError
from tooling.setup import renode, renode_download, renode_release

PLATFORMS = sorted(renode_release.ARCHIVES)

# Stands for macOS's hdiutil: "mounts" a folder that holds what a disk image would, and logs how it is called.
FAKE_HDIUTIL = """#!/bin/sh
echo "$@" >>"{log}"
if [ "$1" = attach ]; then cp -R "{content}/." "$5"; fi
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty .tools folder."""
    folder = tmp_path / ".tools"
    monkeypatch.setattr(renode_download, "TOOLS", folder)
    monkeypatch.setattr(renode, "HOME", folder / "renode")
    monkeypatch.setattr(renode_download, "_LAST_FAILURE", folder / "not-fetched.txt")
    use_platform("linux", "x86_64", monkeypatch)
    return folder


def use_platform(system: str, machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)


def make_archive(path: Path, member: str = "renode_portable/renode-test") -> Path:
    """A tar archive with one file, for the checksum of which the release is changed by `trust`."""
    with tarfile.open(path, "w:gz") as tar:
        content = b"#!/bin/sh\n"
        info = tarfile.TarInfo(member)
        info.size = len(content)
        info.mode = 0o755
        tar.addfile(info, io.BytesIO(content))
    return path


def trust(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the release consist of that file."""
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    trusted = {key: replace(value, sha256=digest) for key, value in renode_release.ARCHIVES.items()}
    monkeypatch.setattr(renode_release, "ARCHIVES", trusted)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server of the release on the loopback interface; the folder that it serves."""
    folder = tmp_path / "release"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        monkeypatch.setattr(renode_release, "RELEASE_URL", f"http://127.0.0.1:{served.server_port}/")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        served.timeout = 0.1
        is_over = threading.Event()

        def serve() -> None:
            while not is_over.is_set():
                served.handle_request()

        thread = threading.Thread(target=serve)
        thread.start()
        yield folder
        is_over.set()
        thread.join()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_linux_downloads_and_unpacks_its_archive(
    machine: str, home: Path, server: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    use_platform("linux", machine, monkeypatch)
    archive = renode_release.archive()
    assert archive is not None and ("arm64" in archive.name) == (machine == "aarch64")
    trust(make_archive(server / archive.name), monkeypatch)

    renode_download.fetch()

    assert (home / "renode" / "renode-test").is_file()
    assert renode_download.why_not_here() == ""
    assert not list(home.glob("incoming-*"))
    assert "Renode 1.16.1: 0 of 0 MiB" in capfd.readouterr().err


def test_macos_copies_renode_out_of_the_disk_image(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_platform("darwin", "arm64", monkeypatch)
    programs = tmp_path / "content" / "Renode.app" / "Contents" / "MacOS"
    programs.mkdir(parents=True)
    (programs / "renode-test").write_text("#!/bin/sh\n")
    (programs / "link").symlink_to("renode-test")
    image = tmp_path / "renode.dmg"
    image.write_bytes(b"a disk image")
    trust(image, monkeypatch)
    fake, log = tmp_path / "bin", tmp_path / "calls.txt"
    fake.mkdir()
    (fake / "hdiutil").write_text(FAKE_HDIUTIL.format(log=log, content=tmp_path / "content"))
    (fake / "hdiutil").chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake}{os.pathsep}{os.environ['PATH']}")

    renode_download.fetch(image)

    assert (home / "renode" / "renode-test").is_file()
    assert (home / "renode" / "link").is_symlink()
    attach, detach = log.read_text().splitlines()
    assert attach.startswith("attach -nobrowse -readonly -mountpoint ") and attach.endswith(str(image))
    assert detach.startswith("detach -force ")


def test_a_disk_image_that_cannot_be_mounted_is_one_sentence(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_platform("darwin", "arm64", monkeypatch)
    image = tmp_path / "renode.dmg"
    image.touch()
    trust(image, monkeypatch)
    (tmp_path / "hdiutil").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "hdiutil").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    with pytest.raises(UserError, match="cannot be mounted"):
        renode_download.fetch(image)
    assert not (home / "renode").exists()


@pytest.mark.parametrize(("system", "machine"), PLATFORMS)
def test_each_platforms_archive_is_of_the_release(
    system: str, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_platform(system, machine, monkeypatch)
    archive = renode_release.archive()

    assert archive is not None
    assert archive.name.startswith(f"renode-{renode_release.VERSION}")
    assert archive.name.endswith(".dmg" if system == "darwin" else ".tar.gz")
    assert len(bytes.fromhex(archive.sha256)) == 32
    assert len({archive.sha256 for archive in renode_release.ARCHIVES.values()}) == len(PLATFORMS)


def test_an_altered_archive_is_refused_before_it_is_unpacked(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make_archive(tmp_path / "archive.tar.gz")
    monkeypatch.setattr(renode_download, "_unpack_tar", lambda *_: pytest.fail("was unpacked"))

    with pytest.raises(UserError, match=r"is not Renode 1\.16\.1's archive"):
        renode_download.fetch(archive)
    assert not (home / "renode").exists()
    assert "SHA-256" in renode_download.why_not_here()


def test_a_download_with_another_checksum_is_refused(
    home: Path, server: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = renode_release.archive()
    assert archive is not None
    (server / archive.name).write_text("<html>Sign in to this network</html>")
    monkeypatch.setattr(renode_download, "_RETRIES", 0)

    with pytest.raises(UserError, match=r"could not be downloaded \(what arrived is not the archive"):
        renode_download.fetch()


def test_a_missing_release_is_one_sentence(home: Path, server: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renode_download, "_RETRIES", 0)

    with pytest.raises(UserError, match=r"could not be downloaded \(404 Client Error\)"):
        renode_download.fetch()


@pytest.mark.parametrize("member", ["../outside", "/tmp/outside", "renode_portable/README"])
def test_a_strange_archive_leaves_nothing(
    member: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make_archive(tmp_path / "archive.tar.gz", member)
    trust(archive, monkeypatch)

    with pytest.raises(UserError, match="Renode's archive"):
        renode_download.fetch(archive)
    assert sorted(path.name for path in home.iterdir()) == [".lock", "not-fetched.txt"]


def test_without_a_network_there_is_one_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setattr(renode_download, "_RETRIES", 0)

    with pytest.raises(UserError, match=r"could not be downloaded \(Connection refused\)") as raised:
        renode_download.fetch()
    assert "\n" not in str(raised.value)
    assert not list(home.glob("incoming-*"))
    assert "could not be downloaded" in renode_download.why_not_here()


def test_what_a_killed_setup_left_is_removed(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "incoming-dead").mkdir(parents=True)
    archive = make_archive(tmp_path / "archive.tar.gz")
    trust(archive, monkeypatch)

    renode_download.fetch(archive)

    assert not list(home.glob("incoming-*"))


def test_another_platform_is_one_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_platform("freebsd", "amd64", monkeypatch)

    with pytest.raises(UserError, match="so that renode-test is on PATH"):
        renode_download.fetch()
