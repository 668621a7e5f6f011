"""The curve of a training run, as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from common.files import write_atomically
from training.loop.checkpoint import EpochRecord, best_epoch


def draw(history: Sequence[EpochRecord], float_epochs: int, title: str, path: Path) -> None:
    """Write the curve as a PNG. Raises UserError if that fails. Arguments as for figure()."""
    content = io.BytesIO()
    figure(history, float_epochs, title).savefig(content, format="png", dpi=100)
    write_atomically(path, content.getvalue())


def figure(history: Sequence[EpochRecord], float_epochs: int, title: str) -> Figure:
    """Training loss and held-out accuracy by epoch.

    float_epochs: the number of epochs before training in integers starts.
    """
    best = best_epoch(history)
    epochs = range(1, len(history) + 1)
    drawn = Figure(figsize=(8, 4.5), layout="constrained")
    losses = drawn.add_subplot(title=title, xlabel="epoch", ylabel="training loss")
    accuracies = losses.twinx()
    accuracies.set_ylabel("accuracy on held-out images, in integers (%)")
    losses.xaxis.set_major_locator(MaxNLocator(integer=True))
    lines = [
        *losses.plot(epochs, [record.loss for record in history], "C0.-", label="training loss"),
        *accuracies.plot(
            epochs, [100 * record.accuracy for record in history], "C1.-", label="held-out accuracy"
        ),
        accuracies.axvline(best, color="0.7", linestyle=":", label=f"best: epoch {best}"),
    ]
    if float_epochs < len(history):
        lines.append(losses.axvline(float_epochs + 0.5, color="0.4", label="training in integers starts"))
    losses.legend(handles=lines, loc="center right")
    return drawn
