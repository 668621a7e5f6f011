"""The float network in a graph: a sequence of layers that the chip supports."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError
from common.limits import CHANNELS, MIN_SIDE
from training.importing.graph import Graph, Node
from training.importing.layers import Array, Convolution, Layer, Linear
from training.importing.operators import OPERATORS, TAKE_PADS, Call
from training.importing.sequence import Sequence
from training.importing.windows import NO_PADS

# What turns logits into probabilities or a class without changing which class is the largest.
_DECISIONS = ("Softmax", "LogSoftmax", "Sigmoid", "ArgMax")
# What may follow: it renames the classes or arranges the probabilities of two.
_BEHIND_DECISION = (
    *_DECISIONS, "ZipMap", "ArrayFeatureExtractor", "Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze",
    "Flatten", "Sub", "Concat", "Log", "Normalizer",
)  # fmt: skip

_NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
_BOUNDS = re.compile(rf"({_NUMBER})-({_NUMBER})")


@dataclass(frozen=True)
class InputRange:
    """What the network takes for a pixel from 0 to 1: gain * pixel + shift, in each channel."""

    text: str
    gain: tuple[float, ...]
    shift: tuple[float, ...]

    @staticmethod
    def parse(text: str) -> InputRange:
        """LOW-HIGH, as in 0-255, or MEAN/STD, with one number or one for each channel. Raises UserError."""
        if found := _BOUNDS.fullmatch(text):
            low, high = map(float, found.groups())
            if low < high:
                return InputRange(text, (high - low,), (low,))
        elif text.count("/") == 1:
            means, deviations = (
                [float(number) for number in part.split(",") if re.fullmatch(_NUMBER, number)]
                for part in text.split("/")
            )
            is_complete = len(means) + len(deviations) == text.count(",") + 2
            if is_complete and len(means) == len(deviations) in CHANNELS and min(deviations) > 0:
                pairs = list(zip(means, deviations, strict=True))
                return InputRange(text, tuple(1 / s for _, s in pairs), tuple(-m / s for m, s in pairs))
        raise UserError(
            f"--input-range {text} is not supported: give the values of black and white, as in 0-1 or 0-255, "
            "or mean/deviation of images from 0 to 1, as in 0.1307/0.3081 or 0.5,0.5,0.5/0.2,0.2,0.2."
        )

    def of_channels(self, channels: int) -> tuple[Array, Array]:
        """Gain and shift, (channels, 1, 1). Raises UserError if they are of another number of channels."""
        if len(self.gain) not in (1, channels):
            raise UserError(
                f"--input-range {self.text} is for {len(self.gain)} channels, "
                f"and the network takes {channels}: give one number or {channels}."
            )
        gain, shift = (np.resize(np.array(part), channels) for part in (self.gain, self.shift))
        return gain.reshape(-1, 1, 1), shift.reshape(-1, 1, 1)


@dataclass(frozen=True)
class ImportedNetwork:
    """A network in layers.

    labels: the names or numbers of the classes, in the order of the logits, if the file has them.
    """

    layers: tuple[Layer, ...]
    labels: tuple[str, ...] | None

    @property
    def classes(self) -> int:
        """The number of logits."""
        return len(self._last.bias)

    @property
    def bordered(self) -> list[Convolution]:
        """The convolutions whose padding is not zero in the values that the chip has there."""
        return [layer for layer in self.layers if isinstance(layer, Convolution) and layer.border is not None]

    def with_two_classes(self) -> None:
        """Make two logits of the only one, which is positive for the second class."""
        last = self._last
        last.weights, last.bias = (np.concatenate([-part, part]) / 2 for part in (last.weights, last.bias))

    def reorder(self, order: list[int]) -> None:
        """Give the logits in another order: logit i becomes the present logit order[i]."""
        self._last.weights, self._last.bias = self._last.weights[order], self._last.bias[order]

    @property
    def _last(self) -> Linear:
        last = self.layers[-1]
        assert isinstance(last, Linear)
        return last


def image_shape(graph: Graph) -> tuple[int, int, int]:
    """Channels, rows and columns of the images that a graph takes. Raises UserError.

    Flat images are taken for square ones.
    """
    match graph.shape[1:]:
        case (channels, rows, columns) if channels in CHANNELS and min(rows, columns) >= MIN_SIDE:
            return channels, rows, columns
        case (rows, columns, channels) if channels in CHANNELS and min(rows, columns) >= MIN_SIDE:
            return channels, rows, columns
        case (rows, columns):
            return 1, rows, columns
        case (count,):
            for channels in CHANNELS:
                side = math.isqrt(count // channels)
                if channels * side * side == count:
                    return channels, side, side
    sizes = " x ".join(map(str, graph.shape[1:]))
    raise UserError(f"{graph.source} takes images of {sizes}, which are neither grey nor RGB images.")


def import_graph(graph: Graph, shape: tuple[int, int, int], input_range: InputRange) -> ImportedNetwork:
    """The layers of a graph for images of this shape.

    Raises UserError if a node is not supported or the graph is not a sequence.
    """
    sequence = Sequence(shape, _input_order(graph, shape), *input_range.of_channels(shape[0]))
    walk = _Walk(graph, sequence)
    for node in graph.nodes:
        walk.visit(node)
    return ImportedNetwork(tuple(sequence.finish()), walk.labels)


class _Walk:
    """The way through a graph.

    current: the name of the tensor behind the last layer. shapes: of the tensors up to there.
    decision: the node that the logits go into.
    """

    def __init__(self, graph: Graph, sequence: Sequence) -> None:
        self.graph, self.sequence = graph, sequence
        self.constants = dict(graph.constants)
        self.current, self.decision = graph.input, ""
        self.shapes = {graph.input: sequence.order.shape}
        self.labels: tuple[str, ...] | None = None

    def visit(self, node: Node) -> None:
        """Apply one node. Raises UserError, which names it."""
        if self.decision:
            self._visit_tail(node)
        elif all(name in self.constants for name in node.given):
            self.constants |= self.graph.evaluate(node, self.constants)
        elif node.operator == "Shape" and node.inputs[0] in self.shapes:
            start, end = node.attributes.get("start", 0), node.attributes.get("end")
            self.constants[node.outputs[0]] = np.array(self.shapes[node.inputs[0]][start:end], np.int64)
        elif node.operator in _DECISIONS and self.current in node.inputs:
            self.decision = node.name
            self._visit_tail(node)
        else:
            with _named(node):
                self._apply(node)
            self.current = node.outputs[0]
            self.shapes[self.current] = self.sequence.order.shape

    def _apply(self, node: Node) -> None:
        if node.operator not in OPERATORS:
            raise UserError(f"the supported operators are {', '.join(sorted({*OPERATORS, *_DECISIONS}))}")
        others = [name for name in node.given if name != self.current and name not in self.constants]
        if others or node.given.count(self.current) != 1:
            raise UserError("it joins or starts a branch, and a network must be one sequence of layers")
        if node.operator not in TAKE_PADS and self.sequence.pads != NO_PADS:
            raise UserError("a Pad comes before it, which only a Conv can have")
        OPERATORS[node.operator](self.sequence, Call(node, self.constants))

    def _visit_tail(self, node: Node) -> None:
        """Read the names of the classes, and drop the node."""
        if node.operator not in (*_BEHIND_DECISION, "Constant"):
            raise UserError(f"{node.name} is not supported: {self.decision} before it must end the network.")
        for name in ("classlabels_int64s", "classlabels_strings"):
            if node.attributes.get(name):
                self.labels = _labels(node.attributes[name])
        if node.operator == "ArrayFeatureExtractor" and node.inputs[0] in self.constants:
            self.labels = _labels(self.constants[node.inputs[0]].ravel().tolist())


def _labels(values: list[object]) -> tuple[str, ...]:
    return tuple(value.decode() if isinstance(value, bytes) else str(value) for value in values)


@contextmanager
def _named(node: Node) -> Iterator[None]:
    """Make a sentence with the node's name of the clause of a UserError."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{node.name} is not supported: {error}.") from None


def _input_order(graph: Graph, shape: tuple[int, int, int]) -> NDArray[np.int64]:
    """The order of the graph's input: flat, or with channels before or behind rows and columns."""
    images = graph.shape[0]
    planar = np.arange(images * math.prod(shape)).reshape(images, *shape)
    is_last = len(graph.shape) == 4 and graph.shape[1:] != shape
    return (planar.transpose(0, 2, 3, 1) if is_last else planar).reshape(graph.shape)
