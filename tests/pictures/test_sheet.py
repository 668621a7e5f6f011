"""Digits found on photos of sheets."""

import numpy as np
import pytest
from drawings import seven
from photos import photo_of_one, photo_of_sheet
from PIL import Image, ImageDraw

from common.paths import MODELS
from compiler import reference
from compiler.model_file import load
from data.mnist import load_test_set
from pictures import Picture, PictureError, centred, find_digits

TEST = load_test_set()
IMAGES = TEST.images[:, 0]


def sheet_of(*digits: tuple[int, int, int], size: tuple[int, int] = (400, 700)) -> Picture:
    """Test images on white paper. digits: index, top, left; each is 84 pixels high with its margin."""
    paper = np.full(size, 255, np.uint8)
    for index, top, left in digits:
        large = np.asarray(Image.fromarray(IMAGES[index]).resize((84, 84)))
        part = paper[top : top + 84, left : left + 84]
        np.minimum(part, 255 - large, out=part)
    return paper


def positions(picture: Picture) -> list[str]:
    """The digits of each line by their order, and blanks."""
    sheet = find_digits(picture, "detect")
    return sheet.text([str(index) for index in range(len(sheet.digits))]).split("\n")


def test_lines_are_read_from_top_to_bottom_and_digits_from_left_to_right() -> None:
    picture = sheet_of((0, 200, 320), (1, 210, 60), (2, 20, 300), (3, 25, 40), (4, 20, 110))
    sheet = find_digits(picture, "detect")
    assert positions(picture) == ["01 2", "3 4"]
    places = [(25, 40), (20, 110), (20, 300), (210, 60), (200, 320)]
    for digit, (top, left) in zip(sheet.digits, places, strict=True):
        assert left <= digit.box[0] and digit.box[0] + digit.box[2] <= left + 84
        assert top <= digit.box[1] and digit.box[1] + digit.box[3] <= top + 84


def test_ink_is_that_of_the_digit_alone() -> None:
    sheet = find_digits(sheet_of((0, 100, 100), (3, 110, 200)), "detect")
    for digit, index in zip(sheet.digits, (0, 3), strict=True):
        image = centred(digit.ink, 28, 28).astype(int)
        assert np.corrcoef(image.ravel(), IMAGES[index].ravel())[0, 1] > 0.95


def test_the_bar_of_a_five_belongs_to_it() -> None:
    index = 8  # a 5 whose bar is apart
    assert TEST.labels[index] == 5
    assert positions(sheet_of((0, 100, 100), (index, 100, 180), (0, 100, 270))) == ["012"]


def test_specks_and_what_the_edge_cuts_off_are_no_digits() -> None:
    picture = sheet_of((0, 100, 100), (3, 110, 170))
    picture[300:304, 300:304] = 0
    picture[:, :8] = 40
    assert positions(picture) == ["01"]


def test_touching_digits_are_marked() -> None:
    picture = sheet_of((0, 100, 40), (3, 100, 140), (4, 100, 300), (4, 100, 500))
    picture[140:144, 60:200] = 0
    doubts = [digit.doubt for digit in find_digits(picture, "detect").digits]
    assert doubts == ["wider than a digit", "", ""]


def test_what_is_much_higher_than_the_digits_is_marked() -> None:
    picture = sheet_of((0, 100, 40), (3, 100, 140), (4, 100, 300), (2, 100, 500))
    ImageDraw.Draw(canvas := Image.fromarray(picture)).line([(600, 60), (640, 340)], fill=0, width=6)
    doubts = [digit.doubt for digit in find_digits(np.asarray(canvas), "detect").digits]
    assert sorted(doubts) == ["", "", "", "", "higher than the other digits"]


@pytest.mark.parametrize("seed", range(1000, 1006))
def test_a_photo_of_one_digit_has_one(seed: int) -> None:
    assert len(find_digits(photo_of_one(IMAGES[seed], 0, seed).pixels, "detect").digits) == 1


def test_a_large_digit_is_one() -> None:
    for index in (0, 8, 18, 25, 60):  # thick strokes, and a bar that is apart
        large = 255 - np.kron(IMAGES[index], np.ones((10, 10), np.uint8))
        assert len(find_digits(large, "detect").digits) == 1
    assert len(find_digits(np.asarray(seven()), "detect").digits) == 1


def test_an_empty_sheet_is_refused() -> None:
    noise = np.random.default_rng(1).normal(200, 6, (300, 400)).clip(0, 255).astype(np.uint8)
    for sheet in (np.full((300, 400), 230, np.uint8), noise):
        with pytest.raises(PictureError, match="empty sheet"):
            find_digits(sheet, "detect")


def test_sheets_in_bad_light_are_read() -> None:
    """Seeds with shadows, ruled and squared paper; `python tests/pictures/measure.py` reads 200 others."""
    model = load(MODELS / "cnn.npz")
    texts = {
        0: "36 7828 6\n012 6 88 0\n0127085 1\n240013 1406",
        24: "84 3 6\n47 201 0\n758719 0\n728770435",  # turned, without lines that show by how much
        47: "7 28 65\n0961 809",
    }
    for seed, text in texts.items():
        photo = photo_of_sheet(IMAGES, TEST.labels, seed)
        assert photo.text == text
        sheet = find_digits(photo.pixels, "detect")
        images = np.stack([centred(digit.ink, 28, 28)[None] for digit in sheet.digits])
        assert sheet.text([str(label) for label in reference.predict(model, images)]) == text


@pytest.mark.parametrize("seed", [103, 110, 171, 209])
def test_each_digit_is_found_and_nothing_else(seed: int) -> None:
    """Squared paper half in a shadow, a broken 1, the bar of a 5, faint lines in a smooth gradient."""
    photo = photo_of_sheet(IMAGES, TEST.labels, seed)
    digits = find_digits(photo.pixels, "detect").digits
    assert len(digits) == len(photo.digits) and not any(digit.doubt for digit in digits)


def test_a_part_of_a_digit_is_marked() -> None:
    picture = sheet_of((0, 100, 40), (3, 100, 140), (4, 100, 300))
    picture[120:152, 500:506] = 0  # about half as high as the digits
    doubts = [digit.doubt for digit in find_digits(picture, "detect").digits]
    assert doubts == ["", "", "", "smaller than the other digits"]
