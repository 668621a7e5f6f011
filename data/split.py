"""Splits of examples by a seed, the same in every run."""

from __future__ import annotations

import numpy as np

from data.examples import Examples

SEED = 0

HELD_OUT = 5_000  # images that choose the epoch and are never trained on
LARGE = 50_000  # from this number of images on, HELD_OUT of them are held out
HELD_OUT_SHARE = 0.1  # of each class in a smaller set
TEST_SHARE = 0.2  # of each class, if the source has no test part


def hold_out(examples: Examples, seed: int = SEED) -> tuple[Examples, Examples]:
    """The images to train on, in random order, and those held out."""
    if len(examples) < LARGE:
        return split(examples, HELD_OUT_SHARE, seed)
    order = np.random.default_rng(seed).permutation(len(examples))
    return examples[order[HELD_OUT:]], examples[order[:HELD_OUT]]


def split(examples: Examples, share: float, seed: int = SEED) -> tuple[Examples, Examples]:
    """The rest, and this share of each class, rounded, at least one image; both in random order.

    Each class needs two images or more.
    """
    order = np.random.default_rng(seed).permutation(len(examples))
    labels = examples.labels[order]
    taken = np.zeros(len(order), bool)
    for label in np.unique(labels):
        places = np.flatnonzero(labels == label)
        taken[places[: max(1, round(share * len(places)))]] = True
    return examples[order[~taken]], examples[order[taken]]
