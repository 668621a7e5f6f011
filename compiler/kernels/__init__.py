"""The kernels: one file for each, with the steps it applies to, its packed weights, its C call and its cost.

Every file in this room registers its kernels when it is imported. Every step has a reference kernel, which
defines the bits of the others; compiler/schedule.py chooses among those that apply.
"""

import importlib
import pkgutil

from compiler.kernels.kernel import Kernel, candidates, reference, refusals

__all__ = ["Kernel", "candidates", "reference", "refusals"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
