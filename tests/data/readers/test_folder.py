"""A folder of pictures: its classes, its parts, and the errors about bad folders and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from data import sources
from data.split import hold_out
from pictures import Preparation

COUNT = 12


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of pictures of one brightness, which is the picture's number."""
    for start, name in ((0, "dark"), (100, "light")):
        (tmp_path / name).mkdir()
        for number in range(COUNT):
            picture(tmp_path / name / f"{number:02}.png", start + number)
    return tmp_path


def picture(path: Path, brightness: int, size: tuple[int, int] = (20, 10)) -> None:
    Image.new("RGB", size, (brightness,) * 3).save(path)


FIXED = Preparation("stretch", "light")


def numbers(images: np.ndarray) -> list[int]:
    return images[:, 0, 0, 0].tolist()


def test_subfolders_are_classes_and_a_fifth_of_each_is_the_test_part(folder: Path) -> None:
    dataset = sources.load(str(folder), FIXED)
    assert dataset.interface.shape == (1, 28, 28)
    assert dataset.interface.class_names == ("dark", "light")
    assert dataset.interface.preparation == FIXED
    assert np.bincount(dataset.test.labels).tolist() == [2, 2]
    everything = numbers(dataset.train.images) + numbers(dataset.test.images)
    assert sorted(everything) == [*range(COUNT), *range(100, 100 + COUNT)]
    for part in (dataset.train, dataset.test):
        assert [number >= 100 for number in numbers(part.images)] == part.labels.astype(bool).tolist()


def test_a_class_of_three_pictures_has_one_in_each_part(folder: Path) -> None:
    for path in sorted((folder / "dark").iterdir())[3:]:
        path.unlink()
    dataset = sources.load(str(folder), FIXED)
    training, held_out = hold_out(dataset.train, dataset.split_seed)
    assert [(part.labels == 0).sum() for part in (training, held_out, dataset.test)] == [1, 1, 1]


def test_the_seed_decides_the_split(folder: Path) -> None:
    first, same, other = (sources.load(str(folder), FIXED, seed=seed) for seed in (0, 0, 1))
    assert numbers(first.test.images) == numbers(same.test.images) != numbers(other.test.images)
    assert (first.split_seed, other.split_seed) == (0, 1)
    assert first.checksums == other.checksums


def test_the_checksum_covers_names_and_contents(folder: Path) -> None:
    checksums = [sources.load(str(folder)).checksums["pictures"]]
    (folder / "dark" / "00.png").rename(folder / "dark" / "0.png")
    checksums.append(sources.load(str(folder)).checksums["pictures"])
    picture(folder / "dark" / "0.png", 50)
    checksums.append(sources.load(str(folder)).checksums["pictures"])
    assert len(set(checksums)) == 3


def test_jpeg_sizes_colours_and_other_files_are_no_trouble(folder: Path) -> None:
    Image.new("L", (500, 30), 200).save(folder / "light" / "photo.JPG")
    Image.new("RGBA", (5, 4), (9, 9, 9, 255)).save(folder / "dark" / "small.png")
    (folder / "dark" / "notes.txt").write_text("not a picture")
    (folder / ".cache").mkdir()
    dataset = sources.load(str(folder), FIXED)
    assert len(dataset.train) + len(dataset.test) == 2 * COUNT + 2
    assert dataset.interface.class_names == ("dark", "light")


def test_three_channels_keep_the_colours(folder: Path) -> None:
    for path in (folder / "dark").iterdir():
        Image.new("RGB", (8, 8), (200, 100, 50)).save(path)
    dataset = sources.load(str(folder), FIXED, (3, 16, 12))
    assert dataset.train.shape == (3, 16, 12)
    assert dataset.train.images[dataset.train.labels == 0][0, :, 3, 3].tolist() == [200, 100, 50]


def empty(folder: Path) -> None:
    for path in (folder / "light").iterdir():
        path.unlink()


def keep_one(folder: Path) -> None:
    for path in sorted((folder / "light").iterdir())[1:]:
        path.unlink()


def keep_two(folder: Path) -> None:
    for path in sorted((folder / "light").iterdir())[2:]:
        path.unlink()


def truncate(folder: Path) -> None:
    path = folder / "light" / "03.png"
    path.write_bytes(path.read_bytes()[:-25])


def remove_a_class(folder: Path) -> None:
    (folder / "light").rename(folder.parent / f"{folder.name}-elsewhere")


def blank_in_a_name(folder: Path) -> None:
    (folder / "light").rename(folder / "very light")


def too_many_classes(folder: Path) -> None:
    for number in range(63):
        (folder / f"class-{number}").mkdir()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (empty, "light has no pictures: put PNG or JPEG files into it, or remove the folder"),
        (keep_one, "light has 1 picture, and a class needs at least 3: one to train on, one held out"),
        (keep_two, "light has 2 pictures, and a class needs at least 3"),
        (truncate, r"light/03\.png: The file is damaged or incomplete"),
        (remove_a_class, "There are 1 classes, and the limits are 2 and 64"),
        (blank_in_a_name, "The class name 'very light' is not supported"),
        (too_many_classes, "There are 65 classes, and the limits are 2 and 64"),
    ],
)
def test_bad_data_is_one_sentence(change: object, complaint: str, folder: Path) -> None:
    assert callable(change)
    change(folder)
    with pytest.raises(UserError, match=complaint):
        sources.load(str(folder))


def test_a_shape_beyond_the_limits_is_refused_before_pictures_are_read(folder: Path) -> None:
    truncate(folder)
    with pytest.raises(UserError, match="3 x 64 x 64 take 12,288 bytes, and the limit is 4,096"):
        sources.load(str(folder), None, (3, 64, 64))
