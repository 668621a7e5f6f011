"""A network's C, compiled for this computer: the fastest way to its integers."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from compiler.network import Model
from tooling import build as builds


class NativeNetwork:
    """The network of a model file. The first use in this clone compiles it."""

    def __init__(self, path: Path, model: Model) -> None:
        """Raises UserError if the model does not fit the chip or there is no C compiler."""
        builds.build(builds.NATIVE, path)
        self._run = ctypes.CDLL(str(builds.image(builds.NATIVE, path).with_name("libnetwork.so"))).network_run
        self._run.restype = None
        self._classes = model.tensors[-1].count

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.int32]:
        """The logits (N, classes) of images (N, ...)."""
        images = np.ascontiguousarray(images)
        logits = np.empty((len(images), self._classes), np.int32)
        for image, target in zip(images, logits, strict=True):
            self._run(ctypes.c_void_p(image.ctypes.data), ctypes.c_void_p(target.ctypes.data))
        return logits

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.integer]:
        """The recognised class of each image: the largest logit, the lowest class among equals."""
        labels: NDArray[np.integer] = self.logits(images).argmax(axis=1)
        return labels
