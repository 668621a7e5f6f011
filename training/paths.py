"""Where this room keeps its files, and how it writes them."""

from __future__ import annotations

import os
from pathlib import Path

from training.errors import TrainingError

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data" / "mnist"
MODELS = ROOT / "models"
RUNS = ROOT / "build" / "training"
RESULTS = ROOT / "training" / "results.json"
RESULTS_TABLE = ROOT / "training" / "RESULTS.md"
MEMORY_LAYOUT = ROOT / "firmware" / "boards" / "bluepill" / "memory.ld"


def shown(path: Path) -> str:
    """A path as a person in the repository's root would type it."""
    absolute = Path(os.path.abspath(path))
    return str(absolute.relative_to(ROOT)) if absolute.is_relative_to(ROOT) else str(path)


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces a file in one step: whoever reads it, or pulls the plug, sees the old file or the new one.

    Errors: TrainingError where the file cannot be written.
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
        raise TrainingError(f"{shown(path)} cannot be written: {error.strerror or error}.") from None
