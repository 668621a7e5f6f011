"""What the tests of measurements share."""

import json
from pathlib import Path

import network_builds
import pytest

from tooling import build


@pytest.fixture
def firmware_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets network_elf compile by the firmware's flags without a built firmware."""
    compiler = network_builds.compiler("arm-none-eabi-gcc")
    folder = tmp_path / "bluepill"
    folder.mkdir()
    flags = " ".join([*network_builds.FLAGS, *network_builds.ARM_FLAGS])
    command = f"{compiler} -I{network_builds.NETWORK} {flags} -o model.obj -c /generated/model.c"
    entry = {"directory": str(folder), "file": "/generated/model.c", "command": command}
    (folder / "compile_commands.json").write_text(json.dumps([entry]))
    monkeypatch.setattr(build, "image", lambda board: folder / "firmware.elf")
