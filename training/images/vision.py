"""torchvision, also where torch has no CUDA. Import it from here.

PyPI's torchvision is linked against CUDA. Without CUDA its compiled operators do not load, and
`import torchvision` fails with "operator torchvision::nms does not exist", because it registers shape
functions for two of them. Declaring these two operators is enough for the import and the data sets. They have
no implementation then; the project does not use them.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch


def _compiled_operators_load() -> bool:
    """Whether torchvision's import will succeed: it loads the same libraries first."""
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return True  # the import below gives the best error
    try:
        for library in Path(spec.origin).parent.glob("_C.*"):
            torch.ops.load_library(library)
    except OSError:
        return False
    return True


if not _compiled_operators_load():
    # The declarations live as long as this object.
    _declarations = torch.library.Library("torchvision", "DEF")
    for _operator in ("nms", "qnms"):
        _declarations.define(f"{_operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import torchvision  # noqa: E402
from torchvision.transforms.v2 import functional as transforms  # noqa: E402

__all__ = ["torchvision", "transforms"]
