"""The checkpoint of an unfinished run: its state and its best network, in one file written in one step."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from common.errors import UserError
from common.files import write_atomically
from common.paths import shown
from compiler import model_file
from compiler.network import Model

# What torch.load and the lines behind it raise for a damaged file.
_DAMAGE = (
    RuntimeError, OSError, EOFError, KeyError, TypeError, ValueError, AttributeError, UserError,
    pickle.UnpicklingError,
)  # fmt: skip


@dataclass(frozen=True)
class EpochRecord:
    """The mean training loss of an epoch, and the integer network's loss and accuracy on held-out images."""

    loss: float
    held_out_loss: float
    accuracy: float  # 0 to 1


def best_epoch(history: Sequence[EpochRecord]) -> int:
    """The epoch, counted from 1, with the smallest held-out loss; the first of equals.

    The accuracy would decide less well: it differs by only a few images of thousands.
    """
    losses = [record.held_out_loss for record in history]
    return losses.index(min(losses)) + 1


@dataclass(frozen=True)
class Progress:
    """The state of a run after an epoch.

    network, average, optimizer, float_average: state dicts of the Trainer's attributes of these names.
    best: the integer network of the best epoch, without metadata.
    """

    network: Mapping[str, Any]
    average: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    float_average: Mapping[str, Any]
    history: Sequence[EpochRecord]
    best: Model


@dataclass(frozen=True)
class Checkpoint:
    """The file of an unfinished run.

    environment: what changes the bits of the result beside the run's settings, as JSON can hold it.
    """

    path: Path
    environment: Mapping[str, Any]

    def save(self, progress: Progress) -> None:
        """Write the state of a run. An interruption leaves the old file or the new one. Raises UserError."""
        content = io.BytesIO()
        torch.save(
            {
                "environment": json.dumps(dict(self.environment)),
                "network": dict(progress.network),
                "average": dict(progress.average),
                "optimizer": dict(progress.optimizer),
                "float_average": dict(progress.float_average),
                "history": [[r.loss, r.held_out_loss, r.accuracy] for r in progress.history],
                "best": torch.frombuffer(bytearray(model_file.encode(progress.best)), dtype=torch.uint8),
            },
            content,
        )
        write_atomically(self.path, content.getvalue())

    def load(self) -> Progress | None:
        """The state of the run, or None if there is no file.

        Raises UserError if the file is damaged or is of another environment.
        """
        if not self.path.is_file():
            return None
        try:
            state = torch.load(self.path, weights_only=True, map_location="cpu")
            saved = json.loads(state["environment"])
            progress = Progress(
                state["network"],
                state["average"],
                state["optimizer"],
                state["float_average"],
                [EpochRecord(*record) for record in state["history"]],
                model_file.decode(state["best"].numpy().tobytes()),
            )
        except _DAMAGE:
            raise UserError(f"{shown(self.path)} is damaged: start training again with --fresh.") from None
        for name, value in self.environment.items():
            if saved.get(name) != value:
                raise UserError(
                    f"{shown(self.path)} is an unfinished run with {name} {saved.get(name)}, not {value}: "
                    "restore that to continue the run, or start training again with --fresh."
                )
        return progress

    def delete(self) -> None:
        """Delete the file if it exists."""
        self.path.unlink(missing_ok=True)
