"""Where things lie in the repository."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT_BIN = Path(sys.prefix) / "bin"

FIRMWARE = ROOT / "firmware"
MEMORY_MAP = FIRMWARE / "boards" / "bluepill" / "memory.ld"
MODELS = ROOT / "models"
RENODE_SCRIPT = ROOT / "renode" / "bluepill.resc"
SUITES = ROOT / "robot_tests"
TRAINING = ROOT / "training"

TOOLS = ROOT / ".tools"
BUILD = ROOT / "build"
GENERATED = BUILD / "generated"
LOGS = BUILD / "logs"
ROBOT_RESULTS = BUILD / "robot"


def shown(path: Path) -> str:
    """`path` as a person in the repository's root would type it."""
    try:
        return str(path.relative_to(ROOT))
    except ValueError:
        return str(path)
