"""The trained network in integers, and its file.

A model file is a .npz: a ZIP archive, uncompressed, of `metadata.npy`, JSON in UTF-8 bytes, and one .npy for
each array of each layer (`layer0.weights.npy`, ...). Nothing in it is ever unpickled, no array is
allocated on the word of a header, and the same model always gives the same bytes.

Activations are uint8 in planar order: channel, row, column. A new kind of layer is one dataclass like
those below, entered in LAYERS.
"""

from __future__ import annotations

import io
import json
import math
import re
import tokenize
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from common.errors import UserError
from common.files import write_atomically
from common.paths import shown
from data.mnist import CLASSES, COLS, ROWS

FORMAT = 1

# Weights that fill the chip's 64 KiB with 2 bits each are 256 KiB in the file, a byte each.
SIZE_LIMIT = 1024 * 1024

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1

# Two accumulators share one word while each stays inside this.
LANE_MAX = 2**15 - 1

# The fixed point of an average's reciprocal: 255 << 22 is what 31 bits hold.
AVERAGE_SHIFT = 22

# The name goes into a C string, a line of the link and a file's name.
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")

# The oldest date a ZIP can tell: with the time of writing, no two files would be the same.
_NO_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Tensor:
    """What flows between two layers: its shape, and the smallest and largest integer it can hold."""

    shape: tuple[int, ...]
    low: int
    high: int

    @property
    def count(self) -> int:
        """How many integers it holds."""
        return math.prod(self.shape)

    @property
    def bytes_each(self) -> int:
        """1 where every value fits uint8, else 4 (int32)."""
        return 1 if self.low >= 0 and self.high <= 255 else 4

    @property
    def bytes(self) -> int:
        """How many bytes it takes."""
        return self.count * self.bytes_each


IMAGE = Tensor((1, ROWS, COLS), 0, 255)


class Layer(Protocol):
    """One layer in integers."""

    kind: ClassVar[str]

    @property
    def description(self) -> dict[str, Any]:
        """The architecture as the file's JSON tells it: the kind and the sizes."""

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored in the file, by name; the constructor takes the same names."""

    @classmethod
    def decode(cls, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Layer:
        """The layer from its description and its arrays. Errors: UserError; TypeError for odd arrays."""

    def output(self, source: Tensor) -> Tensor:
        """The tensor this layer makes of `source`; UserError where it cannot or would overflow."""


@dataclass(frozen=True, eq=False)
class Requantisation:
    """From int32 accumulators to activations, ReLU included, with one 32-bit multiplication.

    activation = clamp((accumulator * multiplier[output] + (1 << (shift - 1))) >> shift, 0, maximum)
    multiplier: int16 (outputs,), positive: the result never falls where an accumulator rises, so that
    max pooling may be done before it or after it, to the same bits.
    """

    multiplier: np.ndarray
    shift: int
    maximum: int

    def __post_init__(self) -> None:
        _expect(self.multiplier, "multipliers", np.int16, 1)
        if self.multiplier.min() < 1:
            raise UserError("it has a multiplier that is not positive")
        _expect_whole(self.shift, "shift", 1, 30)
        _expect_whole(self.maximum, "largest activation", 1, 255)

    def check(self, low: np.ndarray, high: np.ndarray) -> None:
        """UserError where an accumulator between low and high (int64, by output) would overflow."""
        half = 1 << (self.shift - 1)
        lowest, highest = (low * self.multiplier + half).min(), (high * self.multiplier + half).max()
        if lowest < INT32_MIN or highest > INT32_MAX:
            raise UserError(f"its requantisation could reach {lowest} to {highest} and overflow 32 bits")


@dataclass(frozen=True, eq=False)
class Weighted:
    """What layers with weights have in common: int32 accumulators = weights * (input >> input_shift) + bias.

    weights: int8 (outputs, ...), each of `weight_bits` bits: 8, or 4 (-7 to 7), or 2 (-1 to 1).
    bias: int32 (outputs,). Without a requantisation the output is the accumulators.
    """

    kind: ClassVar[str]
    dimensions: ClassVar[int]  # of the weights

    weights: np.ndarray
    bias: np.ndarray
    requantisation: Requantisation | None = None
    weight_bits: int = 8
    input_shift: int = 0

    def __post_init__(self) -> None:
        _expect(self.weights, "weights", np.int8, self.dimensions)
        _expect(self.bias, "bias", np.int32, 1)
        outputs = self.weights.shape[:1]
        if 0 in self.weights.shape or self.bias.shape != outputs:
            raise UserError(
                f"weights of shape {self.weights.shape} and a bias of shape {self.bias.shape} "
                "do not belong together"
            )
        if self.requantisation and self.requantisation.multiplier.shape != outputs:
            raise UserError(
                f"it has {outputs[0]} outputs and {len(self.requantisation.multiplier)} multipliers"
            )
        if type(self.weight_bits) is not int or self.weight_bits not in (2, 4, 8):
            raise UserError(f"it has weights of {str(self.weight_bits)[:40]} bits, not of 8, 4 or 2")
        largest = 2 ** (self.weight_bits - 1) - 1
        if self.weight_bits < 8 and np.abs(self.weights.astype(np.int16)).max() > largest:
            raise UserError(f"it has weights that do not fit {self.weight_bits} bits")
        _expect_whole(self.input_shift, "input shift", 0, 7)

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        arrays = {"weights": self.weights, "bias": self.bias}
        if self.requantisation:
            arrays["multiplier"] = self.requantisation.multiplier
        return arrays

    @property
    def options(self) -> dict[str, Any]:
        """The part of the description that all of these layers share; what is not said is the default."""
        options: dict[str, Any] = {}
        if self.requantisation:
            options |= {"shift": self.requantisation.shift, "maximum": self.requantisation.maximum}
        if self.weight_bits != 8:
            options["weight_bits"] = self.weight_bits
        if self.input_shift:
            options["input_shift"] = self.input_shift
        return options

    @staticmethod
    def arguments(description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """What the constructors of these layers share, from a file."""
        arguments: dict[str, Any] = dict(arrays)
        if "multiplier" in arguments:
            arguments["requantisation"] = Requantisation(
                arguments.pop("multiplier"), description.get("shift"), description.get("maximum")
            )
        if arguments.keys() - {"weights", "bias", "requantisation"}:
            raise TypeError("an array of another name")
        options = ("weight_bits", "input_shift")
        return arguments | {name: description[name] for name in options if name in description}

    def largest_input(self, source: Tensor) -> int:
        """The largest value that is multiplied. Errors: UserError where the input is not uint8."""
        if source.bytes_each != 1:
            raise UserError(
                f"it takes values from 0 to 255, and gets {source.low} to {source.high}; "
                "only the last layer may give its accumulators"
            )
        return source.high >> self.input_shift

    def accumulators(self, source: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """The smallest and largest partial sum of each output, in any order of the terms: int64 (outputs,).

        Errors: UserError where one could overflow 32 bits.
        """
        # All terms of one sign and none of the other: every partial sum, in any order, lies between.
        largest = self.largest_input(source)
        weights, bias = self.weights.astype(np.int64).reshape(len(self.bias), -1), self.bias.astype(np.int64)
        high = np.maximum(bias, 0) + largest * np.maximum(weights, 0).sum(axis=1)
        low = np.minimum(bias, 0) + largest * np.minimum(weights, 0).sum(axis=1)
        if low.min() < INT32_MIN or high.max() > INT32_MAX:
            raise UserError(f"its accumulators could reach {low.min()} to {high.max()} and overflow 32 bits")
        return low, high

    def fits_lanes(self, source: Tensor) -> bool:
        """Whether every partial sum fits 16 bits, so that two outputs can share one 32-bit multiplication."""
        low, high = self.accumulators(source)
        return bool(low.min() >= -LANE_MAX and high.max() <= LANE_MAX)

    def result(self, shape: tuple[int, ...], source: Tensor) -> Tensor:
        """The output, of that shape. Errors: UserError where something could overflow."""
        low, high = self.accumulators(source)
        if self.requantisation is None:
            return Tensor(shape, int(low.min()), int(high.max()))
        self.requantisation.check(low, high)
        return Tensor(shape, 0, self.requantisation.maximum)


@dataclass(frozen=True, eq=False)
class Linear(Weighted):
    """A fully connected layer; weights (outputs, inputs). The input is flattened in row order."""

    kind: ClassVar[str] = "linear"
    dimensions: ClassVar[int] = 2

    @classmethod
    def decode(cls, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Linear:
        return cls(**cls.arguments(description, arrays))

    @property
    def description(self) -> dict[str, Any]:
        outputs, inputs = self.weights.shape
        return {"kind": self.kind, "inputs": inputs, "outputs": outputs} | self.options

    def output(self, source: Tensor) -> Tensor:
        outputs, inputs = self.weights.shape
        self.largest_input(source)
        if source.count != inputs:
            raise UserError(f"it has {inputs} inputs, and gets {source.count} values")
        return self.result((outputs,), source)


@dataclass(frozen=True, eq=False)
class Conv2d(Weighted):
    """A convolution, always requantised; weights (outputs, channels / groups, kernel rows, kernel columns).

    Depthwise where groups = channels. `padding` zeros surround the input, `stride` is the step between
    positions, both the same in rows and columns.
    """

    kind: ClassVar[str] = "conv2d"
    dimensions: ClassVar[int] = 4

    stride: int = 1
    padding: int = 0
    groups: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.requantisation is None:
            raise UserError("a convolution's accumulators are not requantised")
        _expect_whole(self.stride, "stride", 1, max(ROWS, COLS))
        _expect_whole(self.padding, "padding", 0, min(self.weights.shape[2:]) - 1)
        _expect_whole(self.groups, "number of groups", 1, len(self.bias))
        if len(self.bias) % self.groups:
            raise UserError(f"its {len(self.bias)} outputs do not split into {self.groups} groups")

    @classmethod
    def decode(cls, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Conv2d:
        own = {name: description.get(name) for name in ("stride", "padding", "groups")}
        return cls(**cls.arguments(description, arrays), **own)

    @property
    def description(self) -> dict[str, Any]:
        outputs, channels, rows, columns = self.weights.shape
        return {
            "kind": self.kind,
            "channels": channels * self.groups,
            "outputs": outputs,
            "kernel": [rows, columns],
            "stride": self.stride,
            "padding": self.padding,
            "groups": self.groups,
        } | self.options

    def output(self, source: Tensor) -> Tensor:
        outputs, channels, *kernel = self.weights.shape
        self.largest_input(source)
        if len(source.shape) != 3 or source.shape[0] != channels * self.groups:
            raise UserError(
                f"it takes pictures of {channels * self.groups} channels, and gets {_times(source.shape)}"
            )
        padded = [size + 2 * self.padding for size in source.shape[1:]]
        return self.result((outputs, *_positions(padded, kernel, self.stride)), source)


@dataclass(frozen=True)
class Pool:
    """What both poolings have in common: windows of `size` x `size` pixels, `stride` apart, no padding."""

    kind: ClassVar[str]

    size: int
    stride: int

    def __post_init__(self) -> None:
        _expect_whole(self.size, "window", 1, max(ROWS, COLS))
        _expect_whole(self.stride, "stride", 1, max(ROWS, COLS))

    @classmethod
    def decode(cls, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Pool:
        return cls(description.get("size"), description.get("stride"), **arrays)

    @property
    def description(self) -> dict[str, Any]:
        return {"kind": self.kind, "size": self.size, "stride": self.stride}

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        return {}

    def output(self, source: Tensor) -> Tensor:
        if len(source.shape) != 3 or source.bytes_each != 1:
            raise UserError(f"it takes pictures of pixels from 0 to 255, and gets {_times(source.shape)}")
        positions = _positions(source.shape[1:], [self.size, self.size], self.stride)
        return Tensor((source.shape[0], *positions), source.low, source.high)


class MaxPool2d(Pool):
    """The largest pixel of each window."""

    kind: ClassVar[str] = "maxpool2d"


class AvgPool2d(Pool):
    """The mean of each window: (sum * multiplier + half) >> AVERAGE_SHIFT, a product of at most 30 bits."""

    kind: ClassVar[str] = "avgpool2d"

    @property
    def multiplier(self) -> int:
        """2**AVERAGE_SHIFT / pixels in a window, rounded down: no mean is above the largest pixel."""
        return (1 << AVERAGE_SHIFT) // self.size**2


LAYERS: dict[str, type[Layer]] = {layer.kind: layer for layer in (Linear, Conv2d, MaxPool2d, AvgPool2d)}


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network in integers.

    logit_scale: real logit = integer logit * logit_scale.
    metadata: how it came to be (recipe, accuracies, checksums of the data); nothing computes with it.
    Errors: UserError where layers and shapes do not fit together or an accumulator could overflow.
    """

    name: str
    layers: tuple[Layer, ...]
    logit_scale: float
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UserError(
                f"the name {self.name[:40]!r} is not a lower-case letter and up to 31 of a-z, 0-9, _ and -"
            )
        if not (math.isfinite(self.logit_scale) and self.logit_scale > 0):
            raise UserError(f"the scale of the logits is {self.logit_scale}, not a positive number")
        last = self.layers[-1] if self.layers else None
        gives_logits = isinstance(last, Linear) and last.requantisation is None
        if not gives_logits or self.tensors[-1].shape != (CLASSES,):
            raise UserError(f"the last layer does not give {CLASSES} logits")

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        """Each layer's output, in order."""
        tensors = [IMAGE]
        for index, layer in enumerate(self.layers):
            try:
                tensors.append(layer.output(tensors[-1]))
            except UserError as error:
                raise UserError(f"layer {index} ({layer.kind}): {error}") from None
        return tuple(tensors[1:])

    @property
    def checksum(self) -> int:
        """CRC-32 of what the network computes with: its layers' descriptions and arrays, not its name."""
        crc = 0
        for layer in self.layers:
            crc = zlib.crc32(json.dumps(layer.description, sort_keys=True).encode(), crc)
            for array in layer.arrays.values():
                crc = zlib.crc32(_little_endian(array).tobytes(), crc)
        return crc


def save(model: Model, path: Path) -> None:
    """Writes a model file, replacing an old one in one step. Errors: UserError."""
    header = {
        "format": FORMAT,
        "name": model.name,
        "layers": [layer.description for layer in model.layers],
        "logit_scale": model.logit_scale,
        "metadata": dict(model.metadata),
    }
    text = json.dumps(header, indent=1, sort_keys=True, allow_nan=False)
    arrays = {"metadata": np.frombuffer(text.encode(), np.uint8)}
    for index, layer in enumerate(model.layers):
        arrays |= {f"layer{index}.{name}": array for name, array in layer.arrays.items()}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _NO_DATE), _npy(array))
    write_atomically(path, content.getvalue())


def load(path: Path) -> Model:
    """Reads a model file.

    Errors: UserError, with the file's name, where it is missing, too large, cut off, damaged, of
    another version, or describes a network that is not supported.
    """
    try:
        with path.open("rb") as file:
            content = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        raise UserError(f"There is no model file {shown(path)}: make it with `invoke train`.") from None
    except OSError as error:
        raise UserError(f"{shown(path)} cannot be read: {error.strerror or error}.") from None
    try:
        return decode(content)
    except UserError as error:
        raise UserError(
            f"{shown(path)} is not a usable model file, {error}: "
            "restore it with git or make a new one with `invoke train`."
        ) from None


def decode(content: bytes) -> Model:
    """The model in a file's bytes. Errors: UserError, a clause that says what is wrong with them."""
    if len(content) > SIZE_LIMIT:
        raise UserError(f"it is larger than {SIZE_LIMIT:,} bytes")
    arrays = _unzip(content)
    header = _header(arrays.pop("metadata", None))
    layers = []
    for index, description in enumerate(header["layers"]):
        prefix = f"layer{index}."
        own = {
            name.removeprefix(prefix): arrays.pop(name) for name in list(arrays) if name.startswith(prefix)
        }
        try:
            layers.append(_layer(description, own))
        except UserError as error:
            raise UserError(f"layer {index}: {error}") from None
    if arrays:
        raise UserError(f"it holds {sorted(arrays)[0][:40]!r}, which belongs to no layer")
    return Model(header["name"], tuple(layers), float(header["logit_scale"]), header["metadata"])


def _layer(description: Any, arrays: dict[str, np.ndarray]) -> Layer:
    """One layer from its description in the JSON and its arrays."""
    kind = description.get("kind") if isinstance(description, dict) else None
    if not isinstance(kind, str) or kind not in LAYERS:
        raise UserError(f"its kind is {str(kind)[:40]!r}, and supported is {', '.join(LAYERS)}")
    try:
        layer = LAYERS[kind].decode(description, arrays)
    except TypeError:
        raise UserError(f"a {kind} layer is not made of {str(sorted(arrays))[:80]}") from None
    if layer.description != description:
        raise UserError(f"its arrays are not those of {json.dumps(description)[:80]}")
    return layer


def _unzip(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of the archive, by name without .npy."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            # Without compression and overlaps, what is unpacked is never larger than the file.
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise UserError("its contents are compressed, which `invoke train` never does")
            if sum(member.file_size for member in members) > len(content):
                raise UserError("its contents overlap")
            return {member.filename.removesuffix(".npy"): _array(archive.read(member)) for member in members}
    # zipfile answers damage with all of these.
    except (zipfile.BadZipFile, EOFError, ValueError, RuntimeError, NotImplementedError, OSError) as error:
        raise UserError(f"it is cut off, damaged or no .npz at all ({error})") from None


def _array(content: bytes) -> np.ndarray:
    """A .npy member, its header believed only where it agrees with the number of bytes that follow."""
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise UserError(f"it holds an array of .npy version {version}, not (1, 0)")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    # The header is a Python literal, and its parser has its own ways to give up.
    except (
        ValueError, TypeError, SyntaxError, tokenize.TokenError, RecursionError, MemoryError, OverflowError,
    ):  # fmt: skip
        raise UserError("it holds a malformed array") from None
    body = content[stream.tell() :]
    if fortran or dtype.kind not in "iu" or any(size < 1 for size in shape):
        raise UserError("it holds an array of a kind that no layer has")
    if math.prod(shape) * dtype.itemsize != len(body):
        raise UserError("it holds an array whose size is not what its header says")
    return np.frombuffer(body, dtype).reshape(shape)


def _header(array: np.ndarray | None) -> dict[str, Any]:
    """The JSON in `metadata`, its fields' types checked."""
    if array is None or array.dtype != np.uint8 or array.ndim != 1:
        raise UserError("it has no metadata")
    try:
        header = json.loads(array.tobytes())
    except (ValueError, RecursionError):
        raise UserError("its metadata is no JSON") from None
    if not isinstance(header, dict):
        raise UserError("its metadata is no JSON object")
    if header.get("format") != FORMAT:
        version = json.dumps(header.get("format"))[:40]
        raise UserError(f"it is of format {version}, and this program reads format {FORMAT}")
    types = {"name": str, "layers": list, "logit_scale": float, "metadata": dict}
    for name, kind in types.items():
        if not isinstance(header.get(name), kind):
            raise UserError(f"its metadata has no {name!r} or a malformed one")
    return header


def _expect(array: np.ndarray, name: str, dtype: type, dimensions: int) -> None:
    if array.dtype != dtype or array.ndim != dimensions:
        raise UserError(
            f"its {name} are {array.dtype} of {array.ndim} dimensions, not {np.dtype(dtype)} of {dimensions}"
        )


def _expect_whole(value: Any, name: str, lowest: int, highest: int) -> None:
    if type(value) is not int or not lowest <= value <= highest:
        allowed = f"{lowest} to {highest}" if lowest < highest else f"{lowest}"
        raise UserError(f"its {name} is {str(value)[:40]}, not {allowed}")


def _positions(picture: Sequence[int], window: Sequence[int], stride: int) -> list[int]:
    """How many places a window has in a picture, in rows and in columns."""
    if any(size < extent for size, extent in zip(picture, window, strict=True)):
        raise UserError(f"its window of {_times(window)} is larger than the picture of {_times(picture)}")
    return [(size - extent) // stride + 1 for size, extent in zip(picture, window, strict=True)]


def _times(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _little_endian(array: np.ndarray) -> np.ndarray:
    """The same values in the byte order of the file, so that every machine writes the same bytes."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<"))


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, _little_endian(array), version=(1, 0), allow_pickle=False)
    return stream.getvalue()
