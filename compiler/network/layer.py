"""What every layer has in common, and the checks of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np

from common.errors import UserError
from compiler.network.tensor import Tensor


class Layer(Protocol):
    """One layer in integers."""

    kind: ClassVar[str]

    @property
    def window(self) -> tuple[int, int] | None:
        """Rows and columns of the input that one output depends on; None if it depends on the whole input."""

    @property
    def stride(self) -> int:
        """Rows, and columns, between two positions of the window."""

    @property
    def padding(self) -> int:
        """Rows, and columns, of zeros around the input."""

    @property
    def description(self) -> dict[str, Any]:
        """The layer's kind and sizes, as the JSON of a model file holds them."""

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays of a model file, by name."""

    @classmethod
    def decode(cls, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Layer:
        """Make the layer from its description and arrays.

        Raises UserError if they are not usable, TypeError if an array is missing or unknown.
        """

    def output(self, source: Tensor) -> Tensor:
        """The output for an input. Raises UserError if the input does not fit or a value could overflow."""


def expect_array(array: np.ndarray, name: str, dtype: type, dimensions: int) -> None:
    if array.dtype != dtype or array.ndim != dimensions:
        raise UserError(
            f"its {name} are {array.dtype} of {array.ndim} dimensions, not {np.dtype(dtype)} of {dimensions}"
        )


def expect_whole(value: Any, name: str, lowest: int, highest: int) -> None:
    if type(value) is not int or not lowest <= value <= highest:
        allowed = f"{lowest} to {highest}" if lowest < highest else f"{lowest}"
        raise UserError(f"its {name} is {str(value)[:40]}, not {allowed}")
