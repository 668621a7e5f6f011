"""A model file: bytes to a network and back.

A model file is a .npz: an uncompressed ZIP archive of `metadata.npy`, JSON in UTF-8 bytes, and one .npy for
each array of each layer (`layer0.weights.npy`, ...). The reader unpickles nothing and allocates no more than
the file's size. The same model always gives the same bytes.
"""

from __future__ import annotations

import io
import json
import math
import tokenize
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import UserError
from common.files import write_atomically
from common.paths import shown
from compiler.network import DIGITS, IMAGE, LAYERS, Layer, Model, Tensor, image, little_endian
from pictures.preparation import Preparation

FORMAT = 2

# What a file of format 1 leaves out: all of them are for MNIST.
_FORMAT_1 = {
    "input": list(IMAGE.shape),
    "class_names": list(DIGITS),
    "preparation": {"method": "mnist", "polarity": "detect"},
}

# In bytes. Weights of 2 bits that fill the chip's 64 KiB take 256 KiB in the file, a byte each.
SIZE_LIMIT = 1024 * 1024

# The earliest date that a ZIP entry can hold. With the real time, no two files would be equal.
_NO_DATE = (1980, 1, 1, 0, 0, 0)


def save(model: Model, path: Path) -> None:
    """Write a model file in one step. Raises UserError if it cannot be written."""
    write_atomically(path, encode(model))


def encode(model: Model) -> bytes:
    """The bytes of a model file."""
    header = {
        "format": FORMAT,
        "name": model.name,
        "layers": [layer.description for layer in model.layers],
        "logit_scale": model.logit_scale,
        "input": list(model.input.shape),
        "class_names": list(model.class_names),
        "preparation": asdict(model.preparation),
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
    return content.getvalue()


def load(path: Path) -> Model:
    """Read a model file.

    Raises UserError, which names the file, if it is missing, too large, cut off, damaged, of another version,
    or describes a network that is not supported.
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
            f"{shown(path)} is not a usable model file, {_clause(error)}: "
            "restore it with git or make a new one with `invoke train`."
        ) from None


def decode(content: bytes) -> Model:
    """The model in a file's bytes. Raises UserError with a clause that says what is wrong with them."""
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
    return Model(
        header["name"],
        tuple(layers),
        float(header["logit_scale"]),
        header["metadata"],
        input=_input(header["input"]),
        class_names=_class_names(header["class_names"]),
        preparation=_preparation(header["preparation"]),
    )


def _input(shape: list[Any]) -> Tensor:
    """The images of this shape. Raises UserError if it has anything but whole numbers."""
    if any(type(size) is not int for size in shape):
        raise UserError("the shape of its images is not made of whole numbers")
    return image(shape)


def _class_names(names: list[Any]) -> tuple[str, ...]:
    """The names of the classes. Raises UserError if one is no text."""
    if any(not isinstance(name, str) for name in names):
        raise UserError("a name of its classes is no text")
    return tuple(names)


def _preparation(settings: dict[str, Any]) -> Preparation:
    """The preparation of pictures. Raises UserError if a setting is missing, unknown or no text."""
    if any(not isinstance(value, str) for value in settings.values()):
        raise UserError("a setting of its preparation of pictures is no text")
    try:
        preparation = Preparation(**settings)
    except TypeError:
        raise UserError("the settings of its preparation of pictures are not those of this program") from None
    if asdict(preparation) != settings:
        raise UserError("its preparation of pictures is incomplete")
    return preparation


def _clause(error: UserError) -> str:
    """An error as a part of another sentence."""
    sentence = str(error)
    return sentence[:1].lower() + sentence[1:].removesuffix(".")


def _layer(description: Any, arrays: dict[str, np.ndarray]) -> Layer:
    """One layer from its description in the JSON and its arrays. Raises UserError."""
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
    """The arrays of the archive, by name without .npy. Raises UserError."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            # Without compression and overlaps, the contents are never larger than the file.
            if any(member.compress_type != zipfile.ZIP_STORED for member in members):
                raise UserError("its contents are compressed, which `invoke train` never does")
            if sum(member.file_size for member in members) > len(content):
                raise UserError("its contents overlap")
            return {member.filename.removesuffix(".npy"): _array(archive.read(member)) for member in members}
    # zipfile raises all of these for damaged files.
    except (zipfile.BadZipFile, EOFError, ValueError, RuntimeError, NotImplementedError, OSError) as error:
        raise UserError(f"it is cut off, damaged or no .npz at all ({error})") from None


def _array(content: bytes) -> np.ndarray:
    """The array in a .npy member. Raises UserError if its header does not fit the bytes that follow."""
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise UserError(f"it holds an array of .npy version {version}, not (1, 0)")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    # The header is a Python literal; its parser raises all of these.
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
    """The JSON in `metadata`. Raises UserError if a field is missing or of another type."""
    if array is None or array.dtype != np.uint8 or array.ndim != 1:
        raise UserError("it has no metadata")
    try:
        header = json.loads(array.tobytes())
    except (ValueError, RecursionError):
        raise UserError("its metadata is no JSON") from None
    if not isinstance(header, dict):
        raise UserError("its metadata is no JSON object")
    if header.get("format") not in (1, FORMAT) or type(header["format"]) is not int:
        version = json.dumps(header.get("format"))[:40]
        raise UserError(f"it is of format {version}, and this program reads formats 1 and {FORMAT}")
    if header["format"] == 1:
        header |= _FORMAT_1
    types = {
        "name": str,
        "layers": list,
        "logit_scale": float,
        "input": list,
        "class_names": list,
        "preparation": dict,
        "metadata": dict,
    }
    for name, kind in types.items():
        if not isinstance(header.get(name), kind):
            raise UserError(f"its metadata has no {name!r} or a malformed one")
    return header


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, little_endian(array), version=(1, 0), allow_pickle=False)
    return stream.getvalue()
