"""Writing files so that an interruption never leaves half of one."""

from __future__ import annotations

import os
from pathlib import Path

from common.errors import UserError
from common.paths import shown


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step: a reader, or a power cut, sees the old file or the new one.

    Raises UserError if the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{shown(path)} cannot be written: {error.strerror or error}.") from None
