"""Finding a clang that can build fuzzers."""

import shutil
from pathlib import Path

from common.errors import UserError
from tooling import processes


def find(name: str) -> Path | None:
    """clang, where it has the runtime of libFuzzer, which some systems leave out; None otherwise."""
    found = shutil.which(name, path=processes.environment()["PATH"])
    if found is None:
        return None
    try:
        resources = processes.run([found, "-print-resource-dir"], timeout=60, capture=True).output.strip()
    except UserError:
        return None
    has_runtime = any(Path(resources).glob("lib/**/libclang_rt.fuzzer*"))
    return Path(found) if has_runtime else None
