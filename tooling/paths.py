"""Where things lie in the repository, beside what training/paths.py says."""

import sys
from pathlib import Path

from training.paths import MEMORY_LAYOUT as MEMORY_LAYOUT
from training.paths import MODELS as MODELS
from training.paths import ROOT as ROOT
from training.paths import RUNS as RUNS
from training.paths import shown as shown

ENVIRONMENT_BIN = Path(sys.prefix) / "bin"

FIRMWARE = ROOT / "firmware"
RENODE_SCRIPT = ROOT / "renode" / "bluepill.resc"
SUITES = ROOT / "robot_tests"
TRAINING = ROOT / "training"

TOOLS = ROOT / ".tools"
BUILD = ROOT / "build"
GENERATED = BUILD / "generated"
LOGS = BUILD / "logs"
ROBOT_RESULTS = BUILD / "robot"
