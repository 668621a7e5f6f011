"""How many images networks recognise under each kind of corruption."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from training.robustness.kinds import KINDS, STRENGTHS, Kind, corrupted

# Images uint8 (N, ...) in, the index of the recognised class of each out.
Predict = Callable[[NDArray[np.uint8]], NDArray[np.integer]]

MEDIUM = STRENGTHS.index("medium")


@dataclass(frozen=True)
class Robustness:
    """The accuracies of a network, 0 to 1: on unchanged images, and for each kind at each strength."""

    clean: float
    kinds: Mapping[str, Sequence[float]]

    @property
    def mean(self) -> float:
        """The mean over all kinds and strengths."""
        return float(np.mean(list(self.kinds.values())))

    @property
    def lowest_medium(self) -> float:
        """The lowest accuracy of a kind at medium strength."""
        return min(accuracies[MEDIUM] for accuracies in self.kinds.values())


def measure(
    networks: Mapping[str, Predict],
    images: NDArray[np.uint8],
    labels: NDArray[np.integer],
    kinds: Sequence[Kind] = KINDS,
) -> dict[str, Robustness]:
    """The robustness of each network on these images; every network gets the same corrupted images."""

    def accuracies(changed: NDArray[np.uint8]) -> dict[str, float]:
        return {name: float((predict(changed) == labels).mean()) for name, predict in networks.items()}

    clean = accuracies(images)
    found: dict[str, dict[str, list[float]]] = {name: {} for name in networks}
    # Without a terminal there is no bar.
    with tqdm(total=len(kinds) * len(STRENGTHS), unit="set", disable=None) as bar:
        for kind in kinds:
            bar.set_description(kind.name)
            for strength in range(len(STRENGTHS)):
                for name, accuracy in accuracies(corrupted(kind, strength, images)).items():
                    found[name].setdefault(kind.name, []).append(accuracy)
                bar.update()
    return {name: Robustness(clean[name], found[name]) for name in networks}
