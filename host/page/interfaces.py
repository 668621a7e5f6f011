"""What the page needs from the rest of the project: a board to start, and facts about its model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from host.page.events import GalleryImage, Layer
from pictures.preparation import Preparation


class Supply(Protocol):
    """Starts a board, knows whether it still runs, and can pull its plug."""

    name: str
    """How a person calls the board, as in "Renode"."""
    answer_limit: float
    """Seconds to wait for an answer; a simulator on a busy computer is slow."""
    cannot_unplug: str
    """Why the plug cannot be pulled from here; empty if it can."""

    def start(self) -> str:
        """Start or find the board and return its URL for `open_port`. Raises UserError or BoardError."""

    def is_alive(self) -> bool:
        """Whether the board runs, as far as that can be seen from outside."""

    def stop(self) -> None:
        """End the board, at once. Stopping it twice is allowed."""


class Inspector(Protocol):
    """What the model's file says about the network on the board."""

    preparation: Preparation
    scale: float
    """Real logit of an integer logit 1."""
    checksum: int
    """CRC-32 of the network."""

    def layers(self, image: npt.NDArray[np.uint8]) -> tuple[tuple[int, ...], tuple[Layer, ...]]:
        """The reference's logits and its values after each layer.

        image: uint8 (channels, rows, columns).
        """

    def wrong_images(self, progress: Callable[[float], None]) -> tuple[GalleryImage, ...]:
        """The test images that the model gets wrong. `progress` is called with the share done, 0 to 1."""

    def test_image(self, index: int) -> bytes:
        """The pixels of a test image. Raises UserError if there is none with that number."""
