"""The simulated board that `sim` keeps running: one in each clone, and where it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from common.errors import UserError
from common.paths import BUILD

_LOCK = BUILD / "sim.lock"
_RECORD = BUILD / "sim-port.txt"
_PATIENCE = 1.0  # seconds; `url` holds the lock for a moment


def url() -> str:
    """The port of the running `sim`, '' if none is running or it is still starting."""
    if not _LOCK.is_file():
        return ""
    lock = FileLock(_LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return _recorded()
    lock.release()
    return ""


def is_at(port: str) -> bool:
    """Whether the running `sim` is at that port."""
    return url() in {port, os.path.abspath(port)}


@contextmanager
def only_one() -> Iterator[Callable[[str], None]]:
    """The right to be this clone's `sim`; it ends with this process.

    Yields a function that records where the board is. Raises UserError if another `sim` runs.
    """
    BUILD.mkdir(exist_ok=True)
    lock = FileLock(_LOCK)
    try:
        lock.acquire(timeout=_PATIENCE)
    except Timeout:
        where = f", at {port}" if (port := _recorded()) else ""
        raise UserError(f"A simulated board is running already{where}: end it with Ctrl-C first.") from None
    try:
        _RECORD.unlink(missing_ok=True)
        yield lambda port: print(port, end="", file=_RECORD.open("w"))
    finally:
        _RECORD.unlink(missing_ok=True)
        lock.release()


def _recorded() -> str:
    return _RECORD.read_text() if _RECORD.is_file() else ""
