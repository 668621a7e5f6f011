"""The settings that decide the result of a training run, and the folder that follows from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from compiler.network import Model
from data.mnist import TRAINING_COUNT

HELD_OUT = 5_000  # of the training images; they choose the epoch and are never trained on
MOST_IMAGES = TRAINING_COUNT - HELD_OUT


@dataclass(frozen=True)
class RunSettings:
    """What a run trains, how, and on how many images.

    architecture: the layers as torch prints them. recipe: as Recipe.as_json() gives it.
    """

    model: str
    architecture: str
    recipe: Mapping[str, Any]
    images: int = MOST_IMAGES

    def folder(self, runs: Path) -> Path:
        """The run's folder: another one for any other settings, so no run can replace another's files."""
        content = json.dumps(asdict(self), sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()[:8]
        epochs = self.recipe["epochs"] + self.recipe["integer_epochs"]
        return runs / self.model / f"seed-{self.recipe['seed']}-{epochs}-epochs-{self.images}-images-{digest}"

    def made(self, model: Model) -> bool:
        """Whether a trained model has these layers and this recipe."""
        metadata = model.metadata
        return metadata.get("architecture") == self.architecture and metadata.get("recipe") == self.recipe
