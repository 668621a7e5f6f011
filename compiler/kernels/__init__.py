"""The kernels: one file for each, with the steps it applies to, its packed weights, its C call and its cost.

Every file in this room registers its kernels when it is imported. choose() takes the fastest kernel that
applies to a step; every step has a reference kernel, which defines the bits of the others.
"""

import importlib
import pkgutil

from compiler.kernels.kernel import Kernel, candidates, choose, reference

__all__ = ["Kernel", "candidates", "choose", "reference"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
