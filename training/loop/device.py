"""Where torch computes, and what decides the bits of its result."""

from __future__ import annotations

import os
from typing import Any

import torch


def deterministic_device() -> torch.device:
    """A GPU if there is one. Sets torch up so that a seed gives the same bits again on the same machine."""
    # cuBLAS reads this when it is first used.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # TF32 has too few bits for the integers.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def environment(device: torch.device) -> dict[str, Any]:
    """What changes the order of float sums, and so the bits of the result."""
    return {"torch": torch.__version__, "device": device.type, "threads": torch.get_num_threads()}
