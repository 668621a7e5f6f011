"""Which release of Renode the project uses, and the checksums of its archives. This is their only place."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

VERSION = "1.16.1"

RELEASE_URL = f"https://github.com/renode/renode/releases/download/v{VERSION}/"


@dataclass(frozen=True)
class Archive:
    """A portable release of Renode for one kind of computer."""

    name: str
    sha256: str

    @property
    def url(self) -> str:
        return RELEASE_URL + self.name


# By sys.platform and platform.machine().
ARCHIVES = {
    ("linux", "x86_64"): Archive(
        f"renode-{VERSION}.linux-portable-dotnet.tar.gz",
        "00e113cdbd0f5354cf2f64bbe3f5a070d8958409542fca66e45ac97d982938c0",
    ),
    ("linux", "aarch64"): Archive(
        f"renode-{VERSION}.linux-arm64-portable-dotnet.tar.gz",
        "fff3a098c96ed0a4ffbdff3f028c9c5fde432db09587c7bd7c99406180f90007",
    ),
    ("darwin", "arm64"): Archive(
        f"renode-{VERSION}-dotnet.osx-arm64-portable.dmg",
        "99b8ae5897b8926ef179868d39a504fe5296555dc9c9b973718ddf3ab09175d9",
    ),
}


def archive() -> Archive | None:
    """The archive for this computer, None if there is none."""
    return ARCHIVES.get((sys.platform, platform.machine()))
