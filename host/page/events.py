"""What the server sends to the page: one record for each kind of message."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Event:
    """A message for the page. Its `type` there is the name of the class in lower case, with hyphens."""

    def as_json(self) -> str:
        """The message as JSON text; bytes become base64."""
        kind = re.sub(r"(?<!^)([A-Z])", r"-\1", type(self).__name__).lower()
        content = {field.name: getattr(self, field.name) for field in fields(self)}
        return json.dumps({"type": kind, **content}, default=_encoded)


def _encoded(value: object) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Event):
        return json.loads(value.as_json())
    raise TypeError(f"{type(value).__name__} is not part of an event")


@dataclass(frozen=True)
class Starting(Event):
    """A board is being started or looked for."""

    board: str


@dataclass(frozen=True)
class Ready(Event):
    """A board answers."""

    board: str
    """Where it runs: `Renode`, `the board at /dev/ttyUSB0`."""
    model: str
    firmware: str
    clock: int
    """In Hz."""
    baud: int
    shape: tuple[int, int, int]
    """Channels, rows, columns."""
    class_names: tuple[str, ...]
    centred: bool
    """Whether the model's pictures are cut out and centred by mass."""
    unavailable: dict[str, str]
    """The reason for each experiment that this board cannot do, by the experiment's name."""
    recovered: float | None
    """Milliseconds since the plug was put in again; None if it was not pulled."""


@dataclass(frozen=True)
class Gone(Event):
    """No board answers. `unplugged`: because the user pulled the plug."""

    sentence: str
    unplugged: bool


@dataclass(frozen=True)
class Busy(Event):
    """Another tab or visitor uses the board, or has taken it. `taken`: this tab had it before."""

    sentence: str
    taken: bool


@dataclass(frozen=True)
class Answer(Event):
    """The board's answer to the picture `id`."""

    id: int
    image: bytes
    """The payload of the frame on the wire: channels x rows x columns."""
    label: int
    name: str
    sure: bool | None
    """Whether the board stands behind the answer; None if its firmware does not say."""
    logits: tuple[int, ...]
    shares: tuple[float, ...] | None
    """Probabilities; None if no model file has the checksum of the board's network."""
    wire_out: float
    """Milliseconds at this baud rate: all bytes of the request."""
    network: float | None
    """Milliseconds from the last byte of the request to the logits, by the chip's counter."""
    wire_back: float
    """Milliseconds at this baud rate: the bytes of the answer up to the line with the logits."""
    measured: float
    """Milliseconds from the first byte of the request to the answer, on this computer."""
    retries: tuple[str, ...]


@dataclass(frozen=True)
class Skipped(Event):
    """The picture `id` was replaced by a newer one before it was sent."""

    id: int


@dataclass(frozen=True)
class Failed(Event):
    """The picture `id` has no answer. The sentence says why."""

    id: int
    sentence: str


@dataclass(frozen=True)
class Transfer(Event):
    """Bytes that passed the wire."""

    seconds: float
    """Since the board was opened."""
    outgoing: bool
    kind: str
    """A command of the link, the name of a line, `text` (for people) or `damaged`."""
    decoded: str
    """What the bytes mean, in one line."""
    data: bytes


@dataclass(frozen=True)
class Experiment(Event):
    """The end of an experiment with a damaged wire."""

    name: str
    altered: str
    expected: str
    """The error that LINK.md promises, or what happens without an error."""
    actual: str
    milliseconds: float
    """From the damaged frame to the right answer."""
    passed: bool


@dataclass(frozen=True)
class Layers(Event):
    """The values after each layer for the image of the last answer; `problem`: why they are withheld."""

    problem: str
    layers: tuple[Layer, ...] = ()


@dataclass(frozen=True)
class Layer(Event):
    """The output of one layer, uint8, scaled so that the largest value is 255."""

    title: str
    shape: tuple[int, ...]
    data: bytes


@dataclass(frozen=True)
class Gallery(Event):
    """Test images that the model gets wrong. `progress`: the share of the test set that was looked at."""

    progress: float
    images: tuple[GalleryImage, ...] = ()


@dataclass(frozen=True)
class GalleryImage(Event):
    """One test image and the class it belongs to."""

    index: int
    label: str
    predicted: str
    data: bytes
