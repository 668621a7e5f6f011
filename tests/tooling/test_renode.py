"""How Renode gets here: whole and checked, or not at all."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from common.errors import UserError
from tooling.setup import renode


def make_archive(path: Path, member: str = "renode_portable/renode-test") -> Path:
    with tarfile.open(path, "w:gz") as tar:
        content = b"#!/bin/sh\n"
        info = tarfile.TarInfo(member)
        info.size = len(content)
        info.mode = 0o755
        tar.addfile(info, io.BytesIO(content))
    return path


def trust(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renode, "ARCHIVE_SHA256", hashlib.sha256(archive.read_bytes()).hexdigest())


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A .tools folder of the test's own, on the one platform that has an archive."""
    folder = tmp_path / ".tools"
    monkeypatch.setattr(renode, "TOOLS", folder)
    monkeypatch.setattr(renode, "HOME", folder / "renode")
    monkeypatch.setattr(renode, "_LAST_FAILURE", folder / "not-fetched.txt")
    monkeypatch.setattr(renode.sys, "platform", "linux")
    monkeypatch.setattr(renode.platform, "machine", lambda: "x86_64")
    return folder


def test_a_good_archive_is_unpacked(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = make_archive(tmp_path / "archive.tar.gz")
    trust(archive, monkeypatch)

    renode.fetch(archive)

    assert (tools / "renode" / "renode-test").is_file()
    assert renode.why_not_here() == ""
    assert not list(tools.glob("incoming-*"))


def test_an_altered_archive_is_refused_before_unpacking(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make_archive(tmp_path / "archive.tar.gz")
    monkeypatch.setattr(renode, "_unpack", lambda *_: pytest.fail("was unpacked"))

    with pytest.raises(UserError, match=r"is not Renode 1\.16\.1's archive"):
        renode.fetch(archive)
    assert not (tools / "renode").exists()
    assert "SHA-256" in renode.why_not_here()


@pytest.mark.parametrize("member", ["../outside", "/tmp/outside", "renode_portable/README"])
def test_a_strange_archive_leaves_nothing(
    member: str, tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = make_archive(tmp_path / "archive.tar.gz", member)
    trust(archive, monkeypatch)

    with pytest.raises(UserError, match="Renode's archive"):
        renode.fetch(archive)
    assert sorted(path.name for path in tools.iterdir()) == [".lock", "not-fetched.txt"]


def test_without_a_network_there_is_one_sentence(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)

    with pytest.raises(UserError, match=r"could not be fetched \(Connection refused\)"):
        renode.fetch()
    assert not list(tools.glob("incoming-*"))
    assert "could not be fetched" in renode.why_not_here()


def test_what_a_killed_setup_left_is_swept_away(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tools / "incoming-dead").mkdir(parents=True)
    archive = make_archive(tmp_path / "archive.tar.gz")
    trust(archive, monkeypatch)

    renode.fetch(archive)

    assert not list(tools.glob("incoming-*"))


def test_another_platform_is_told_what_to_do(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renode.platform, "machine", lambda: "aarch64")

    with pytest.raises(UserError, match="so that renode-test is on PATH"):
        renode.fetch()


def test_our_own_script_is_not_taken_for_renodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder, text in ((ours, "from tooling.suites.renode_test import main"), (theirs, "#!/bin/sh")):
        folder.mkdir()
        (folder / "renode-test").write_text(text)
        (folder / "renode-test").chmod(0o755)
    monkeypatch.setenv("PATH", f"{ours}:{theirs}")

    assert renode.find_runner() == theirs / "renode-test"
