"""torchvision, made importable beside a CPU build of torch. Import it from here.

The wheel of torchvision on PyPI is linked against CUDA. Beside a torch without CUDA its compiled
operators cannot be loaded, and `import torchvision` ends with "operator torchvision::nms does not
exist", because it registers shape functions for two of them regardless. Declaring those two is enough
for the import, the data sets and the transforms; the operators themselves (box suppression) stay
without an implementation, and nothing here calls them.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch


def _compiled_operators_load() -> bool:
    """Tries what torchvision does first on import; where it works, there is nothing to mend."""
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return True  # the import below says best what is wrong
    try:
        for library in Path(spec.origin).parent.glob("_C.*"):
            torch.ops.load_library(library)
    except OSError:
        return False
    return True


if not _compiled_operators_load():
    # Kept in a variable: the declarations live as long as this object.
    _declarations = torch.library.Library("torchvision", "DEF")
    for _operator in ("nms", "qnms"):
        _declarations.define(f"{_operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import torchvision  # noqa: E402

__all__ = ["torchvision"]
