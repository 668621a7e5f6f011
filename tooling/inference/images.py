"""The images that the arguments of `infer` name."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pictures import Box, Picture, PictureError, Sheet, centred, decode, find_digits, prepare, read
from tooling.inference.models import Knowledge

STANDARD_INPUT = "-"
SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Source:
    """Something that holds an image: a number of the test set, a file or standard input.

    name: as the user knows it. folder: the name of the folder that holds the file, in a folder of folders.
    picture: what a camera has taken; then `name` is no file.
    """

    name: str
    folder: str = ""
    picture: Picture | None = field(default=None, compare=False, repr=False)

    @property
    def title(self) -> str:
        """How messages name it."""
        return "Standard input" if self.name == STANDARD_INPUT else self.name

    @property
    def is_number(self) -> bool:
        return self.name.isdecimal()


@dataclass(frozen=True)
class Image:
    """An image for the board, uint8 (channels, rows, columns).

    expected: its class, if known. box: where it is in the picture, None if the picture was not searched.
    doubt: why it does not look like a digit, '' if it does.
    """

    source: Source
    pixels: npt.NDArray[np.uint8]
    title: str
    expected: str = ""
    box: Box | None = None
    doubt: str = ""


@dataclass(frozen=True)
class Loaded:
    """What a source holds: its images, the picture that shows them, and, of several digits, their sheet."""

    images: list[Image]
    picture: Picture | None = None
    sheet: Sheet | None = None


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


def load(source: Source, model: Knowledge) -> Loaded:
    """The images of a source, prepared for the model: those of all digits if the picture shows several.

    Raises UserError if it cannot be read or shows nothing.
    """
    if source.is_number:
        examples, index = model.test_images(), int(source.name)
        examples.require(index)
        expected = model.class_names[int(examples.labels[index])]
        return Loaded([Image(source, examples.images[index], f"Test image {index}, a {expected}", expected)])
    picture = picture_of(source)
    expected = source.folder if source.folder in model.class_names else ""
    sheet = None
    if model.reads_digits and not expected:
        sheet = find_digits(picture, model.preparation.polarity)
        if len(sheet.digits) > 1:
            return Loaded(_images_of_sheet(source, sheet, model), picture, sheet)
    pixels = prepare(picture, model.preparation, model.shape)
    box = sheet.digits[0].box if sheet else None
    return Loaded([Image(source, pixels, source.title, expected, box)], picture)


def _images_of_sheet(source: Source, sheet: Sheet, model: Knowledge) -> list[Image]:
    """One image for each digit, in the order of reading."""
    _, rows, columns = model.shape
    return [
        Image(source, centred(digit.ink, rows, columns)[None], source.title, "", digit.box, digit.doubt)
        for digit in sheet.digits
    ]


def picture_of(source: Source) -> Picture:
    """The picture of a file, of standard input or of a camera. Raises PictureError."""
    if source.picture is not None:
        return source.picture
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
