"""The settings that decide the result of a training run, and the folder that follows from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from compiler.network import Model
from data import mnist, split
from data.examples import Dataset, Interface

MOST_IMAGES = mnist.TRAINING_COUNT - split.HELD_OUT  # of MNIST


def description(dataset: Dataset) -> dict[str, Any]:
    """What identifies a data set in a run's settings and in a model's metadata, as JSON holds it."""
    return _description(dataset.source, dataset.split_seed, dataset.checksums, dataset.interface)


def _description(
    source: str, seed: int, checksums: Mapping[str, str], interface: Interface
) -> dict[str, Any]:
    return {
        "source": source,
        "split seed": seed,
        "SHA-256": dict(checksums),
        "shape": list(interface.shape),
        "classes": list(interface.class_names),
        "preparation": asdict(interface.preparation),
    }


def mnist_description() -> dict[str, Any]:
    """The description of MNIST, which models without one were trained on."""
    return _description("mnist", split.SEED, mnist.published().checksums, mnist.INTERFACE)


@dataclass(frozen=True)
class RunSettings:
    """What a run trains, how, on which data and on how many images.

    architecture: the layers as torch prints them. recipe: as Recipe.as_json() gives it.
    data: as description() gives it.
    """

    model: str
    architecture: str
    recipe: Mapping[str, Any]
    images: int = MOST_IMAGES
    data: Mapping[str, Any] = field(default_factory=mnist_description)

    def folder(self, runs: Path) -> Path:
        """The run's folder: another one for any other settings, so no run can replace another's files."""
        content = asdict(self)
        if self.data == mnist_description():
            del content["data"]  # so that the folders of older runs are found
        text = json.dumps(content, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        epochs = self.recipe["epochs"] + self.recipe["integer_epochs"]
        return runs / self.model / f"seed-{self.recipe['seed']}-{epochs}-epochs-{self.images}-images-{digest}"

    def made(self, model: Model) -> bool:
        """Whether a trained model has these layers and this recipe."""
        metadata = model.metadata
        return metadata.get("architecture") == self.architecture and metadata.get("recipe") == self.recipe
