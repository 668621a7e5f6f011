"""The state of an unfinished training run, saved after every epoch, so that it can go on to the same bits."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from common.errors import UserError
from common.files import write_atomically
from common.paths import shown


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch gave: the mean loss in training, and the integer network's loss and accuracy, 0 to 1,
    on held-out images.
    """

    loss: float
    held_out_loss: float
    accuracy: float


@dataclass
class Progress:
    """How far a run has come, as state dicts: of the network in training, its running average and its
    optimizer, and of the last average in float, where the training in integers begins.
    """

    network: Mapping[str, Any]
    average: Mapping[str, Any]
    optimizer: Mapping[str, Any]
    in_float: Mapping[str, Any]
    history: list[EpochRecord] = field(default_factory=list)


def best_epoch(history: Sequence[EpochRecord]) -> int:
    """The epoch, counted from 1, of the least loss on the held-out images; the first of equals.

    Where a few images of thousands are wrong, their number is mostly chance, and the loss tells more.
    """
    losses = [record.held_out_loss for record in history]
    return losses.index(min(losses)) + 1


def save(path: Path, settings: Mapping[str, Any], progress: Progress) -> None:
    """Writes the state of a run, replacing an older one in one step. Errors: UserError.

    settings: everything that decides the run's result (recipe, data, versions), as JSON can hold it.
    """
    content = io.BytesIO()
    torch.save(
        {
            "settings": json.dumps(settings),
            "network": dict(progress.network),
            "average": dict(progress.average),
            "optimizer": dict(progress.optimizer),
            "in_float": dict(progress.in_float),
            "history": [[record.loss, record.held_out_loss, record.accuracy] for record in progress.history],
        },
        content,
    )
    write_atomically(path, content.getvalue())


def load(path: Path, settings: Mapping[str, Any]) -> Progress | None:
    """The state of a run with exactly these settings; None where there is no file.

    Errors: UserError where it belongs to a run with other settings, or is damaged.
    """
    if not path.is_file():
        return None
    try:
        state = torch.load(path, weights_only=True, map_location="cpu")
        saved = json.loads(state["settings"])
        progress = Progress(
            state["network"],
            state["average"],
            state["optimizer"],
            state["in_float"],
            [EpochRecord(*record) for record in state["history"]],
        )
    # What torch.load makes of a damaged file.
    except (RuntimeError, OSError, EOFError, KeyError, TypeError, ValueError, pickle.UnpicklingError):
        raise UserError(f"{shown(path)} is damaged: start the training anew with --fresh.") from None
    for name, wanted in settings.items():
        if saved.get(name) != wanted:
            raise UserError(
                f"{shown(path)} holds an unfinished run with {name} {saved.get(name)}, and this one has "
                f"{wanted}: finish that one with its own settings, or start anew with --fresh."
            )
    return progress
