"""The board under test, which all keywords share."""

import contextlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from hardware import Hardware
from robot.api import logger

from compiler import model_file, network, reference
from data import sample
from data.examples import Examples
from data.sources import load_test
from host import link
from host.board import Board
from host.errors import NoAnswer

# Seconds, virtual on Renode. Measured there: 17 ms to the boot line, 40 ms with a dead crystal; 92 ms for an
# answer of cnn at 115200 baud.
BOOT_TIMEOUT = 5.0
ANSWER_TIMEOUT = 5.0
# LINK.md: a board listens again this long after a broken frame.
FORGOTTEN_AFTER = 0.1

MNIST = "mnist"


class Bench:
    """The board under test, its client and the lines it sent.

    Robot Framework reads every attribute while it looks for keywords, so none of these is a property.
    """

    def __init__(self, hardware: Hardware, model_path: Path) -> None:
        self.hardware = hardware
        self.stream: Any = None
        self.boot_message: link.Message | None = None
        self.lines: list[str] = []
        """Lines since the last classify request."""
        self._model_path = model_path
        self._board: Board | None = None

    def connect(self, crystal: bool) -> None:
        """Starts the board, reads its boot line and greets it."""
        self.stream = self.hardware.power_on(crystal=crystal)
        self.lines = []
        self._board = Board(self.stream, timeout=ANSWER_TIMEOUT, attempts=1, on_line=self._record)
        self.boot_message = self._board.connection.read_message(BOOT_TIMEOUT) if self.hardware.boots else None
        self._board.greet(BOOT_TIMEOUT)

    def disconnect(self) -> None:
        """Closes the port and ends the board."""
        if self._board:
            self._board.close()
        self._board = None
        self.hardware.power_off()

    def board(self) -> Board:
        """The client of the board."""
        if self._board is None:
            raise AssertionError("The board is off: the test must begin with Power On.")
        return self._board

    def model(self) -> network.Model:
        """The model that the firmware was built from."""
        return _load_model(self._model_path)

    def examples(self) -> Examples:
        """Images of the model's test set, with their labels: the sample beside the model file."""
        return _load_sample(self._model_path)

    def many_examples(self, count: int) -> Examples:
        """`count` images: the first of the test set for a model of MNIST, or the sample repeated."""
        data = self.model().metadata.get("data", {"source": MNIST})
        if count > len(self.examples()) and data["source"] == MNIST:
            return _load_test_set(MNIST)[:count]
        return self.examples()[np.arange(count) % len(self.examples())]

    def reference_logits(self, images: npt.NDArray[np.uint8]) -> list[tuple[int, ...]]:
        """The reference's logits of each image. `images`: uint8 (count, channels, rows, columns)."""
        return [tuple(logits) for logits in reference.run(self.model(), images).tolist()]

    def send(self, data: bytes) -> None:
        """Puts bytes on the wire."""
        self.board().connection.send(data)

    def messages_until_silence(self, silence: float = FORGOTTEN_AFTER) -> list[link.Message]:
        """At least one message, and all that follow until the board is silent for `silence` seconds."""
        connection = self.board().connection
        messages = [connection.read_message(ANSWER_TIMEOUT)]
        with contextlib.suppress(NoAnswer):
            while True:
                messages.append(connection.read_message(silence))
        return messages

    def expect_message(self, name: str, expected: Mapping[str, str]) -> None:
        """The next message has this name and these fields."""
        message = self.board().connection.read_message(ANSWER_TIMEOUT)
        if message.name != name:
            raise AssertionError(f"The board sent {message} instead of @{name} with {expected}.")
        compare_fields(expected, message.fields)

    def _record(self, line: str) -> None:
        self.lines.append(line)
        logger.debug(f"The board: {line}")  # the prefix matters: an empty message breaks renode-test 1.16.1


def compare_fields(expected: Mapping[str, str], actual: Mapping[str, str]) -> None:
    """Raises AssertionError if `actual` lacks an expected field or has another value."""
    different = {key: actual.get(key) for key, value in expected.items() if actual.get(key) != str(value)}
    if different:
        raise AssertionError(f"The board sent {different} instead of {expected}.")


@cache
def _load_model(path: Path) -> network.Model:
    return model_file.load(path)


@cache
def _load_sample(model_path: Path) -> Examples:
    return sample.read(model_path)


@cache
def _load_test_set(source: str) -> Examples:
    return load_test(source)
