"""The picture of a training run."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from common.files import write_atomically
from training.checkpoint import EpochRecord


def draw(history: Sequence[EpochRecord], best_epoch: int, float_epochs: int, title: str, path: Path) -> None:
    """Writes loss and held-out accuracy by epoch as a PNG.

    float_epochs: after how many of them training in integers begins. Errors: UserError.
    """
    epochs = range(1, len(history) + 1)
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    losses = figure.add_subplot(title=title, xlabel="epoch", ylabel="training loss")
    accuracies = losses.twinx()
    accuracies.set_ylabel("held-out images recognised, in integers (%)")
    losses.xaxis.set_major_locator(MaxNLocator(integer=True))
    lines = [
        *losses.plot(epochs, [record.loss for record in history], "C0.-", label="training loss"),
        *accuracies.plot(
            epochs, [100 * record.accuracy for record in history], "C1.-", label="held-out accuracy"
        ),
        accuracies.axvline(best_epoch, color="0.7", linestyle=":", label=f"chosen: epoch {best_epoch}"),
    ]
    if float_epochs < len(history):
        lines.append(losses.axvline(float_epochs + 0.5, color="0.4", label="trained in integers from here"))
    losses.legend(handles=lines, loc="center right")
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=100)
    write_atomically(path, content.getvalue())
