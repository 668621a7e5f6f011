"""What the page shows of the model: its layers, and the test images that it gets wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from compiler import reference
from compiler.network import Model
from data.examples import Examples
from host.page.events import GalleryImage, Layer

_BATCH = 200  # images between two reports of progress
_MOST_IMAGES = 300  # in the gallery


class ModelInspector:
    """The facts of one model file, and its test images."""

    def __init__(self, model: Model, test: Examples) -> None:
        self.preparation = model.preparation
        self.scale = model.logit_scale
        self.checksum = model.checksum
        self._model = model
        self._names = model.class_names
        self._test = test

    def layers(self, image: npt.NDArray[np.uint8]) -> tuple[tuple[int, ...], tuple[Layer, ...]]:
        values: npt.NDArray[np.integer[Any]] = image[np.newaxis]
        shown = []
        for layer in self._model.layers:
            values = reference.run_layer(layer, values)
            size = " x ".join(map(str, values.shape[1:]))
            shown.append(Layer(f"{layer.kind}: {size}", values.shape[1:], _brightness(values[0])))
        return tuple(int(logit) for logit in values[0]), tuple(shown)

    def wrong_images(self, progress: Callable[[float], None]) -> tuple[GalleryImage, ...]:
        wrong = []
        for start in range(0, len(self._test), _BATCH):
            part = self._test[start : start + _BATCH]
            predicted = reference.predict(self._model, part.images)
            wrong += [
                GalleryImage(
                    start + int(index),
                    self._names[part.labels[index]],
                    self._names[predicted[index]],
                    part.images[index].tobytes(),
                )
                for index in np.flatnonzero(predicted != part.labels)
            ]
            progress(min(start + _BATCH, len(self._test)) / len(self._test))
        return tuple(wrong[:_MOST_IMAGES])

    def test_image(self, index: int) -> bytes:
        self._test.require(index)
        pixels: npt.NDArray[np.uint8] = self._test.images[index]
        return pixels.tobytes()


def _brightness(values: npt.NDArray[np.integer[Any]]) -> bytes:
    """The values scaled to 0 to 255, as bytes. Logits may be negative."""
    low, high = min(int(values.min()), 0), max(int(values.max()), 1)
    scaled: npt.NDArray[np.uint8] = ((values.astype(np.int64) - low) * 255 // (high - low)).astype(np.uint8)
    return scaled.tobytes()
