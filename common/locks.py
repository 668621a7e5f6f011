"""Locks between processes. A lock ends with the process that holds it, also when that process is killed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from common.errors import UserError
from common.paths import shown


@contextmanager
def locked(path: Path, activity: str) -> Iterator[None]:
    """Hold the exclusive lock of the file `path`. `activity` says in a message what to wait for.

    The file stays when the lock is released. Raises UserError if it cannot be created.
    """
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            print(f"Waiting for another process: {activity}.", file=sys.stderr, flush=True)
            _wait(lock, path)
    except OSError as error:
        raise UserError(f"{shown(path)} cannot be locked: {error.strerror or error}.") from None
    try:
        yield
    finally:
        lock.release()


def _wait(lock: FileLock, path: Path) -> None:
    """Acquire the lock, even if the process that holds it removes the folder."""
    while not lock.is_locked:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            lock.acquire()
