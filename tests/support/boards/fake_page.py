"""A page's board and model in Python, and the events that its worker has published."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from host.page.events import Event, GalleryImage, Layer, Transfer
from pictures.preparation import Preparation

LIMIT = 5.0  # seconds; events follow within milliseconds

Wanted = TypeVar("Wanted", bound=Event)


class FakeSupply:
    """A board that can be started, stopped, and made to end by itself."""

    name = "the fake board"
    answer_limit = 5.0
    cannot_unplug = ""

    def __init__(self) -> None:
        self.starts = 0
        self.stops = 0
        self.alive = True

    def start(self) -> str:
        self.starts += 1
        self.alive = True
        return "fake://"

    def is_alive(self) -> bool:
        return self.alive

    def stop(self) -> None:
        self.stops += 1


class FakeInspector:
    """A model whose second test image is read wrong."""

    preparation = Preparation()
    scale = 0.01
    checksum = 0x0BADCAFE

    def __init__(self) -> None:
        self.logits: tuple[int, ...] = ()

    def layers(self, image: npt.NDArray[np.uint8]) -> tuple[tuple[int, ...], tuple[Layer, ...]]:
        return self.logits, (Layer("linear: 10", (10,), bytes(10)),)

    def wrong_images(self, progress: Callable[[float], None]) -> tuple[GalleryImage, ...]:
        progress(0.5)
        return (GalleryImage(1, "2", "3", bytes(784)),)

    def test_image(self, index: int) -> bytes:
        return bytes([index]) * 784


class Events:
    """The events that a worker has published."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Event] = queue.Queue()
        self.publish = self._queue.put

    def next(self, kind: type[Wanted]) -> Wanted:
        """The next event of a kind; others before it are dropped. Raises queue.Empty after LIMIT seconds."""
        deadline = time.monotonic() + LIMIT
        while True:
            event = self._queue.get(timeout=max(deadline - time.monotonic(), 0.01))
            if isinstance(event, kind):
                return event

    def take(self, count: int) -> list[Event]:
        """The next events apart from transfers."""
        events: list[Event] = []
        while len(events) < count:
            event = self._queue.get(timeout=LIMIT)
            if not isinstance(event, Transfer):
                events.append(event)
        return events
