"""The images that the arguments of `infer` name."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pictures import Picture, PictureError, decode, prepare, read
from tooling.inference.models import Knowledge

STANDARD_INPUT = "-"
SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Source:
    """Something that holds an image: a number of the test set, a file or standard input.

    name: as the user knows it. folder: the name of the folder that holds the file, in a folder of folders.
    """

    name: str
    folder: str = ""

    @property
    def title(self) -> str:
        """How messages name it."""
        return "Standard input" if self.name == STANDARD_INPUT else self.name

    @property
    def is_number(self) -> bool:
        return self.name.isdecimal()


@dataclass(frozen=True)
class Image:
    """An image for the board, uint8 (channels, rows, columns). `expected`: its class, if known."""

    source: Source
    pixels: npt.NDArray[np.uint8]
    title: str
    expected: str = ""


def sources(arguments: Sequence[str]) -> tuple[list[Source], list[str]]:
    """What the arguments name, all pictures of folders too; and a sentence for each that names nothing."""
    found: list[Source] = []
    problems: list[str] = []
    for argument in arguments:
        path = Path(argument)
        if argument == STANDARD_INPUT or argument.isdecimal():
            found.append(Source(argument))
        elif path.is_dir():
            inside = sorted(
                (each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file()),
                key=lambda each: (each.parent, each),
            )
            if not inside:
                problems.append(f"{argument}: The folder has no PNG or JPEG files.")
            found += [Source(str(each), "" if each.parent == path else each.parent.name) for each in inside]
        elif path.exists():
            found.append(Source(argument))
        else:
            problems.append(f"{argument}: The file does not exist: check its name.")
    return found, problems


def image_of(source: Source, model: Knowledge) -> Image:
    """The image of a source, prepared for the model. Raises UserError if it cannot be read."""
    if source.is_number:
        examples, index = model.test_images(), int(source.name)
        examples.require(index)
        expected = model.class_names[int(examples.labels[index])]
        return Image(source, examples.images[index], f"Test image {index}, a {expected}", expected)
    pixels = prepare(picture_of(source), model.preparation, model.shape)
    expected = source.folder if source.folder in model.class_names else ""
    return Image(source, pixels, source.title, expected)


def picture_of(source: Source) -> Picture:
    """The picture in a file or in standard input. Raises PictureError."""
    if source.name != STANDARD_INPUT:
        return read(Path(source.name))
    content = sys.stdin.buffer.read() if sys.stdin else b""
    if not content:
        raise PictureError("Standard input is empty: type, for example, './inv infer - < digit.png'.")
    return decode(content)


def with_progress(found: Sequence[Source], most: int = 20) -> Iterator[Source]:
    """The sources, with a progress bar on standard error if there are many and it is a terminal."""
    from tqdm import tqdm

    yield from tqdm(
        found, "images", file=sys.stderr, disable=len(found) <= most or None, leave=False, dynamic_ncols=True
    )


def check_numbers(found: Sequence[Source], model: Knowledge) -> None:
    """Raises UserError for a number that the test set does not have."""
    for source in found:
        if source.is_number:
            model.test_images().require(int(source.name))
