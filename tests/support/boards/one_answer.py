"""A board that answers every image with the same prediction."""

from collections.abc import Callable
from typing import Any

from host.records import Info, Prediction

LOGITS = (-5, 3, 0, 1, 2, -1, -2, 9, -3, 4)
PREDICTION = Prediction(7, "7", LOGITS, 31845, 12345, sequence=3, seconds=0.1)
CLASS_NAMES = tuple("0123456789")
INFO = Info(2, "1.2.3", "linear", 0, 72_000_000, "hse", 1, 28, 28, CLASS_NAMES, "power", "passed", 512, 20)


class BoardWithOneAnswer:
    """Answers every image with PREDICTION, and remembers how it was used."""

    def __init__(self) -> None:
        self.opened: tuple[Any, ...] = ()
        self.images: list[Any] = []

    def open(self, *arguments: Any, on_retry: Callable[[str], None]) -> "BoardWithOneAnswer":
        self.opened = arguments
        on_retry("Attempt 1 of 3 failed")
        return self

    def __enter__(self) -> "BoardWithOneAnswer":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def info(self) -> Info:
        return INFO

    def classify(self, image: Any) -> Prediction:
        self.images.append(image)
        return PREDICTION
