"""The images that arguments name."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from drawings import seven
from PIL import Image as Picture

from common.errors import UserError
from common.paths import MODELS
from data.mnist import load_test_set
from pictures import Preparation
from tooling.inference import images, models
from tooling.inference.images import Source


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("7/b.png", "7/a.JPG", "2/c.jpeg", "top.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        seven().save(tmp_path / name, format="JPEG" if "p" not in name[-3] else "PNG")
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def only(source: Source, model: models.Knowledge) -> images.Image:
    (image,) = images.load(source, model).images
    return image


CNN = models.of_file(MODELS / "cnn.npz")


def test_folders_give_all_their_pictures_in_order(folder: Path) -> None:
    found, problems = images.sources([str(folder)])
    assert [(Path(source.name).name, source.folder) for source in found] == [
        ("top.png", ""),
        ("c.jpeg", "2"),
        ("a.JPG", "7"),
        ("b.png", "7"),
    ]
    assert not problems


def test_what_names_nothing_is_reported_and_the_rest_is_kept(tmp_path: Path) -> None:
    found, problems = images.sources(["7", str(tmp_path), "missing.png", "-"])
    assert [source.name for source in found] == ["7", "-"]
    assert problems == [
        f"{tmp_path}: The folder has no PNG or JPEG files.",
        "missing.png: The file does not exist: check its name.",
    ]


def test_a_number_is_an_image_of_the_whole_test_set() -> None:
    image = only(Source("9999"), CNN)
    assert image.pixels.tolist() == load_test_set().images[9999].tolist()
    assert (image.title, image.expected) == ("Test image 9999, a 6", "6")
    with pytest.raises(UserError, match="no image 10000: choose 0 to 9999"):
        only(Source("10000"), CNN)
    with pytest.raises(UserError, match="no image 10000"):
        images.check_numbers([Source("missing.png"), Source("10000")], CNN)


def test_only_a_folder_with_the_name_of_a_class_says_what_is_expected(folder: Path) -> None:
    for name, expected in (("7", "7"), ("seven", "")):
        assert only(Source(str(folder / "7/b.png"), name), CNN).expected == expected


def test_a_picture_in_the_folder_of_a_class_is_one_image(tmp_path: Path) -> None:
    paper = np.full((200, 400), 255, np.uint8)
    paper[50:150, 50:60] = paper[50:150, 250:260] = 0
    Picture.fromarray(paper).save(tmp_path / "eleven.png")
    assert len(images.load(Source(str(tmp_path / "eleven.png")), CNN).images) == 2
    assert len(images.load(Source(str(tmp_path / "eleven.png"), "1"), CNN).images) == 1
    other = models.Knowledge((1, 8, 8), ("cat", "dog"), Preparation("fit"))
    assert len(images.load(Source(str(tmp_path / "eleven.png")), other).images) == 1


def test_a_picture_is_prepared_as_its_model_needs_it(folder: Path) -> None:
    other = models.Knowledge((3, 8, 8), ("cat", "dog"), Preparation("stretch"))
    pixels = only(Source(str(folder / "top.png")), other).pixels
    assert pixels.shape == (3, 8, 8) and pixels[:, 0, 0].tolist() == [255, 255, 255]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    seven().save(content, format="PNG")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content.getvalue())))
    image = only(Source("-"), CNN)
    assert image.title == "Standard input" and image.pixels.shape == (1, 28, 28)
    for closed in (None, SimpleNamespace(buffer=io.BytesIO())):
        monkeypatch.setattr(sys, "stdin", closed)
        with pytest.raises(UserError, match="Standard input is empty"):
            only(Source("-"), CNN)


def test_the_sample_stands_in_for_data_that_are_not_here() -> None:
    knowledge = models.Knowledge(
        CNN.shape, CNN.class_names, CNN.preparation, file=MODELS / "cnn.npz", source="/no/such/folder"
    )
    assert np.array_equal(knowledge.test_images().images, load_test_set().images[:200])


def test_an_unknown_network_has_no_test_images() -> None:
    with pytest.raises(UserError, match="name a picture"):
        models.Knowledge((1, 8, 8), ("a", "b"), Preparation()).test_images()
