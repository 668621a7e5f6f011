"""Where things lie in the repository."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

DOCS = ROOT / "docs"
DATA = ROOT / "data" / "mnist"
MODELS = ROOT / "models"
DEFAULT_MODEL = "cnn"  # the one of models/ that tasks use unless another is named
GENERAL_MODEL = "small"  # the one that is trained on other data than MNIST unless another is named
TRAINING = ROOT / "training"
COMPILER = ROOT / "compiler"
RESULTS = TRAINING / "results" / "results.json"
RESULTS_TABLE = TRAINING / "results" / "RESULTS.md"
ROBUSTNESS_PICTURE = ROOT / "docs" / "robustness.png"
FIRMWARE = ROOT / "firmware"
BOARDS = FIRMWARE / "boards"
CHIPS = FIRMWARE / "chips"
RENODE_SCRIPT = ROOT / "renode" / "bluepill.resc"
SUITES = ROOT / "robot_tests"
DOCS = ROOT / "docs"

# What the tasks make.
TOOLS = ROOT / ".tools"
BUILD = ROOT / "build"
RUNS = BUILD / "training"
LOGS = BUILD / "logs"
ROBOT_RESULTS = BUILD / "robot"

ENVIRONMENT_BIN = Path(sys.prefix) / "bin"


def model_files(folder: Path = MODELS) -> list[Path]:
    """The model files in a folder, sorted by name, without the samples NAME.test.npz beside them."""
    return sorted(path for path in folder.glob("*.npz") if not path.name.endswith(".test.npz"))


def shown(path: Path) -> str:
    """A path as a user in the repository's root would type it."""
    absolute = Path(os.path.abspath(path))
    return str(absolute.relative_to(ROOT)) if absolute.is_relative_to(ROOT) else str(path)
