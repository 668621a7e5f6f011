"""A picture of the corruptions: one image under each, and what the networks answer."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from common.files import write_atomically
from training.robustness.benchmark import Predict
from training.robustness.kinds import KINDS, STRENGTHS, corrupted

_ACROSS = 2  # kinds beside each other


def draw(
    networks: Mapping[str, Predict],
    images: NDArray[np.uint8],
    labels: NDArray[np.integer],
    class_names: Sequence[str],
    path: Path,
) -> None:
    """Write a PNG. Each kind shows the next of the images, at each strength; wrong answers are red."""
    width = len(STRENGTHS)
    rows = math.ceil(len(KINDS) / _ACROSS)
    figure = Figure(figsize=(1.35 * width * _ACROSS, 1.62 * rows), layout="constrained")
    axes = figure.subplots(rows, width * _ACROSS, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for index, kind in enumerate(KINDS):
        number = np.array([index % len(images)])
        label = int(labels[number[0]])
        for strength, title in enumerate(STRENGTHS):
            axis = axes[index // _ACROSS, index % _ACROSS * width + strength]
            changed = corrupted(kind, strength, images[number], number)
            axis.imshow(changed.reshape(-1, *changed.shape[-2:])[0], cmap="gray", vmin=0, vmax=255)
            axis.set_title(f"{kind.name}, {title}", fontsize=7, pad=2)
            for place, (name, predict) in enumerate(networks.items()):
                answer = int(predict(changed)[0])
                axis.annotate(
                    f"{name} {class_names[answer]}",
                    (place % 2, -0.03 - 0.1 * (place // 2)),
                    xycoords="axes fraction",
                    color="black" if answer == label else "red",
                    fontsize=6,
                    ha="right" if place % 2 else "left",
                    va="top",
                )
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    write_atomically(path, content.getvalue())
