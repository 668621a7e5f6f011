"""The augmentation of a batch: the pose of every image, and what pens, paper and cameras do to some.

The recipe sets the share. Each of those images gets one main change; others join at a low rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from training.augmentation import camera, ink, paper, pose
from training.recipe import PARTS, Augmentation

Change = Callable[[Tensor, torch.Generator], Tensor]

# The changes of all parts but the pose, in the order in which they happen, and their weights.
CHANGES: dict[str, dict[Change, float]] = {
    "ink": {ink.thicker: 1, ink.thinner: 1.2, ink.pale: 0.8, ink.uneven: 0.6},
    "paper": {
        paper.sheet: 1.2,
        paper.texture: 0.6,
        paper.ruled: 1,
        paper.stroke: 0.7,
        paper.specks: 1,
        paper.covered: 0.6,
    },
    "camera": {
        camera.coarse: 0.5,
        camera.moved: 1,
        camera.defocused: 1.2,
        camera.noisy: 1.4,
        camera.salted: 0.8,
        camera.dropped: 0.8,
    },
}
_ALSO = 0.06  # the probability of each change beside the main one
_COPY_SEED = 77
_AWKWARD = 0.3  # the share of awkward poses among the changed images


def augmented(
    images: Tensor, maps: Tensor | None, augmentation: Augmentation, rng: torch.Generator
) -> Tensor:
    """Images (N, C, R, Co), 0 to 1, changed at random.

    maps: the affine maps of these images, from pose.draw_maps().
    """
    chosen = torch.rand(len(images), generator=rng) < augmentation.corrupted
    parts = augmentation.parts or PARTS
    awkward = torch.zeros_like(chosen)
    if "pose" in parts:
        awkward = chosen & (torch.rand(len(images), generator=rng) < _AWKWARD)
    if maps is not None or awkward.any():
        places = pose.grid(images, maps)
        if awkward.any():
            places[awkward] = pose.awkward(places[awkward], images[awkward], rng)
        images = pose.sampled(images, places)
    if augmentation.corrupted:
        images = corrupted(images, chosen, parts, rng)
        images = (images * 255).round() / 255  # whole pixels, as a camera gives them
    return images


def augmented_once(images: Tensor, augmentation: Augmentation, seed: int) -> Tensor:
    """The images under random maps and changes that follow from a seed."""
    rng = torch.Generator().manual_seed(seed)
    maps = pose.draw_maps(len(images), augmentation, rng, (images.shape[2], images.shape[3]))
    return augmented(images, maps, augmentation, rng)


def corrupted_copy(images: Tensor, augmentation: Augmentation) -> Tensor:
    """The images, all of them corrupted in every way: the same for all recipes with these maps."""
    return augmented_once(images, replace(augmentation, corrupted=1.0, parts=()), _COPY_SEED)


def corrupted(images: Tensor, chosen: Tensor, parts: tuple[str, ...], rng: torch.Generator) -> Tensor:
    """The images with the changes of these parts in those that are chosen, bool (N,)."""
    weighted = [item for part, changes in CHANGES.items() if part in parts for item in changes.items()]
    if not weighted:
        return images
    images = images.clone()
    changes, weights = zip(*weighted, strict=True)
    main = torch.multinomial(torch.tensor(weights), len(images), replacement=True, generator=rng)
    also = torch.rand(len(images), len(changes), generator=rng) < _ALSO
    for index, change in enumerate(changes):
        which = (chosen & ((main == index) | also[:, index])).nonzero()[:, 0]
        if len(which):
            images[which] = change(images[which], rng).clamp(0, 1)
    return images
