"""Data sets for training: those of data.sources, torchvision's downloads of them, and torchvision's own."""

from __future__ import annotations

from common.errors import UserError
from data import sources
from data.examples import Dataset, Shape
from data.readers.published import Published, cache_folder
from data.split import SEED
from pictures.preparation import Preparation
from training.images import torchvision_sets


def load(
    source: str, preparation: Preparation | None = None, shape: Shape | None = None, seed: int = SEED
) -> Dataset:
    """The data set of a source, like data.sources.load(), and also of torchvision:NAME.

    What is not on this machine is downloaded into the cache. Raises UserError.
    """
    if source.startswith(sources.TORCHVISION):
        dataset = torchvision_sets.load(source, seed)
        return sources.adapted(dataset, preparation, shape)
    published = sources.published(source)
    if published and not published.is_complete():
        _download(published)
    return sources.load(source, preparation, shape, seed)


def check_limit(limit: int | None, images: int | None = None) -> None:
    """Raise UserError if training cannot be limited to this number of images. images: those there are."""
    if limit is not None and (limit < 1 or (images is not None and limit > images)):
        most = f"1 to {images:,} images" if images else "1 image or more"
        raise UserError(f"Training can be limited to {most}, not {limit:,}.")


def _download(published: Published) -> None:
    with torchvision_sets.downloading(
        f"{published.title} is not on this machine and cannot be downloaded: check the network, or set "
        f"{published.variable} to a folder with its four files."
    ):
        kind = torchvision_sets.dataset_class(published.title.replace("-", ""))
        kind(cache_folder(), download=True)
