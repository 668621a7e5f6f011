"""The user's choice of images to train on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.limits import check_shape
from data.examples import Dataset, Shape
from pictures.preparation import Preparation
from training.images.training_set import load
from training.recipe import Recipe

_LONGEST_NAME = 32  # characters of a model's name


@dataclass(frozen=True)
class DataChoice:
    """What replaces the data of a recipe: each field that is not empty replaces the recipe's."""

    source: str = ""
    shape: Shape | None = None
    preparation: Preparation | None = None

    @classmethod
    def parse(cls, source: str, shape: str, preparation: str) -> DataChoice:
        """The choice in the texts of the command line; "" for no choice. Raises UserError."""
        return cls(
            source,
            parse_shape(shape) if shape else None,
            parse_preparation(preparation) if preparation else None,
        )

    def is_own(self, recipe: Recipe) -> bool:
        """Whether the source is the recipe's own."""
        return self.source in ("", recipe.data)

    def load(self, recipe: Recipe) -> Dataset:
        """The data set to train with a recipe. Raises UserError."""
        preparation = self.preparation or (recipe.preparation if self.is_own(recipe) else None)
        return load(self.source or recipe.data, preparation, self.shape or recipe.shape)

    def file_name(self, model: str, recipe: Recipe) -> str:
        """The name of a trained model's file: MODEL, or MODEL-DATA if the source is not the recipe's."""
        if self.is_own(recipe):
            return model
        name = Path(self.source.split(":")[-1]).resolve().name.lower()
        return f"{model}-{re.sub('[^a-z0-9_]+', '-', name)}"[:_LONGEST_NAME].strip("-")


OWN = DataChoice()  # the recipe's data


def parse_shape(text: str) -> Shape:
    """The shape in a text like 3x32x32. Raises UserError."""
    parts = text.lower().split("x")
    if len(parts) != 3 or not all(part.isascii() and part.isdecimal() for part in parts):
        raise UserError(f"A shape is CHANNELSxROWSxCOLUMNS, as in 3x32x32, not {text!r}.")
    channels, rows, columns = map(int, parts)
    check_shape((channels, rows, columns))
    return channels, rows, columns


def parse_preparation(text: str) -> Preparation:
    """The preparation in a text like fit or stretch,light. Raises UserError."""
    method, _, polarity = text.partition(",")
    return Preparation(method, polarity or Preparation().polarity)
