"""Measures the picture path on made-up photos and on enlarged test images, with the integer reference.

`python tests/pictures/measure.py` prints three lines: 200 sheets, 500 photos of one digit, and all test
images enlarged tenfold and read back. Its seeds were not used while the code was written.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from photos import Photo, photo_of_one, photo_of_sheet  # noqa: E402

from common.paths import MODELS  # noqa: E402
from compiler import reference  # noqa: E402
from compiler.model_file import load  # noqa: E402
from data.mnist import load_test_set  # noqa: E402
from pictures import PictureError, Preparation, Sheet, centred, find_digits, prepare  # noqa: E402

SHEETS = range(900_000, 900_200)
PHOTOS = range(800_000, 800_500)
MARGIN = 5  # pixels, between the middle of a digit's image and its box

TEST = load_test_set()
IMAGES = TEST.images[:, 0]
BLANK: npt.NDArray[np.uint8] = np.zeros((1, 28, 28), np.uint8)


def main(model_name: str = "cnn") -> None:
    model = load(MODELS / f"{model_name}.npz")

    def predict(images: Sequence[npt.NDArray[np.uint8]]) -> npt.NDArray[np.int64]:
        return np.asarray(reference.predict(model, np.stack(images)), np.int64)

    total = right = invented = texts = 0
    for seed in tqdm(SHEETS):
        photo = photo_of_sheet(IMAGES, TEST.labels, seed)
        sheet = find_digits(photo.pixels, "detect")
        labels = predict([centred(digit.ink, 28, 28)[None] for digit in sheet.digits])
        names = ["?" if digit.doubt else str(name) for digit, name in zip(sheet.digits, labels, strict=True)]
        found, extra = matched(photo, sheet, names)
        total, right, invented = total + len(photo.digits), right + found, invented + extra
        texts += sheet.text(names) == photo.text
    print(
        f"{len(SHEETS)} sheets: {right} of {total} digits right ({right / total:.2%}), {invented} invented, "
        f"{texts} sheets without a mistake"
    )

    chosen = [seed * 7919 % len(IMAGES) for seed in PHOTOS]
    read = [
        prepared(photo_of_one(IMAGES[index], 0, seed).pixels)
        for index, seed in tqdm(zip(chosen, PHOTOS, strict=True))
    ]
    print(
        f"{len(PHOTOS)} photos of one digit: {share(predict(read), chosen):.2%} right, "
        f"{share(predict(list(TEST.images[chosen])), chosen):.2%} of their test images"
    )

    everything = range(len(IMAGES))
    back = [prepared(255 - np.kron(image, np.ones((10, 10), np.uint8))) for image in tqdm(IMAGES)]
    print(
        f"test images enlarged tenfold: {share(predict(back), everything):.2%} right, "
        f"{share(predict(list(TEST.images)), everything):.2%} of the originals"
    )


def matched(photo: Photo, sheet: Sheet, names: Sequence[str]) -> tuple[int, int]:
    """How many digits were found and read right, and how many answers belong to no digit."""
    free = dict(enumerate(sheet.digits))
    right = 0
    for placed in photo.digits:
        for index, digit in free.items():
            left, top, width, height = digit.box
            if (
                left - MARGIN <= placed.x <= left + width + MARGIN
                and top - MARGIN <= placed.y <= top + height + MARGIN
            ):
                right += names[index] == str(placed.label)
                del free[index]
                break
    return right, sum(not digit.doubt for digit in free.values())


def prepared(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    try:
        return prepare(picture, Preparation(), (1, 28, 28))
    except PictureError:
        return BLANK


def share(labels: npt.NDArray[np.int64], chosen: Sequence[int]) -> float:
    return float((labels == TEST.labels[list(chosen)]).mean())


if __name__ == "__main__":
    main(*sys.argv[1:])
