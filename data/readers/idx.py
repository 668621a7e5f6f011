"""IDX files, the format of MNIST, compressed with gzip or not.

A file is a header of big-endian numbers (two zero bytes, the type 8 for uint8, the number of dimensions, then
4 bytes for each size) and one byte for each pixel or label.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from common.errors import UserError
from common.paths import shown

LARGEST = 2**30  # bytes; a damaged header cannot ask for more

_MAGIC = b"\0\0\x08"
_PREFIX = 4  # bytes before the sizes
_DEFECT = "replace it with a good copy"


def read(path: Path) -> tuple[np.ndarray, str]:
    """The array uint8 in an IDX file, and the SHA-256 of the file without compression.

    Raises UserError if the file is missing, damaged, truncated or no IDX file.
    """
    content = read_bytes(path, LARGEST)
    return parse(content, path), hashlib.sha256(content).hexdigest()


def parse(content: bytes, path: Path) -> np.ndarray:
    """The array in the bytes of an IDX file. path: for errors. Raises UserError like read()."""
    dimensions = content[_PREFIX - 1] if len(content) >= _PREFIX else 0
    header = _PREFIX + 4 * dimensions
    if not content.startswith(_MAGIC) or not dimensions or len(content) < header:
        raise UserError(f"{shown(path)} is not an IDX file of bytes: {_DEFECT}.")
    shape = struct.unpack(f">{dimensions}I", content[_PREFIX:header])
    size = header + math.prod(shape)
    if len(content) < size:
        raise UserError(
            f"{shown(path)} is truncated: it has {len(content):,} bytes instead of {size:,}; {_DEFECT}."
        )
    if len(content) > size:
        raise UserError(f"{shown(path)} has more bytes than the {size:,} that its header says: {_DEFECT}.")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def read_bytes(path: Path, most: int, remedy: str = _DEFECT) -> bytes:
    """A file's bytes, without compression if its name ends in .gz: the first `most` and one more, or all.

    remedy: the end of the error about a bad file. Raises UserError.
    """
    try:
        # One byte too many is enough to notice a file of any larger size.
        with _open(path) as stream:
            return stream.read(most + 1)
    except FileNotFoundError:
        raise UserError(f"{shown(path)} does not exist: put it there.") from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise UserError(f"{shown(path)} is damaged or truncated: {remedy}.") from None
    except OSError as error:
        raise UserError(f"{shown(path)} cannot be read: {error.strerror or error}.") from None


def _open(path: Path) -> gzip.GzipFile | io.BufferedReader:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")
