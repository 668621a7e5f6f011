"""The user's choice of images: the texts of the command line, what they replace, and the name of the file."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="torch is not installed: invoke setup --train")

from common.errors import UserError
from pictures.preparation import Preparation
from training import models
from training.images.choice import OWN, DataChoice, parse_preparation, parse_shape

pytestmark = pytest.mark.train


def test_texts_make_a_choice_and_no_text_makes_none() -> None:
    assert DataChoice.parse("", "", "") == OWN
    chosen = DataChoice("shapes", (3, 8, 9), Preparation("stretch"))
    assert DataChoice.parse("shapes", "3x8x9", "stretch") == chosen


def test_the_preparation_of_a_recipe_is_for_its_own_data() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: invoke setup --train")
    own = replace(models.Digits8.recipe, preparation=Preparation("stretch", "dark"))
    assert OWN.load(own).interface.preparation == Preparation("stretch", "dark")
    other = replace(own, data="mnist")
    assert DataChoice("sklearn:digits").load(other).interface.preparation == Preparation("fit")
    chosen = DataChoice("sklearn:digits", preparation=Preparation("fit", "light"))
    assert chosen.load(own).interface.preparation == Preparation("fit", "light")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("", "cnn"),
        ("mnist", "cnn"),
        ("fashion-mnist", "cnn-fashion-mnist"),
        ("torchvision:KMNIST", "cnn-kmnist"),
        ("sklearn:digits", "cnn-digits"),
        ("/some/where/My Photos 2/", "cnn-my-photos-2"),
        ("a-folder-with-a-very-long-name-indeed", "cnn-a-folder-with-a-very-long-na"),
    ],
)
def test_the_name_of_the_file_says_the_model_and_other_data(source: str, name: str) -> None:
    assert DataChoice(source).file_name("cnn", models.Cnn.recipe) == name


def test_a_shape_is_three_numbers() -> None:
    assert parse_shape("3x32X24") == (3, 32, 24)


@pytest.mark.parametrize("text", ["", "32x32", "3x32x32x1", "3x-1x32", "axbxc", "3 x 32 x 32"])
def test_a_malformed_shape_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="A shape is CHANNELSxROWSxCOLUMNS, as in 3x32x32"):
        parse_shape(text)


@pytest.mark.parametrize(
    ("text", "preparation"),
    [("stretch", Preparation("stretch", "detect")), ("fit,light", Preparation("fit", "light"))],
)
def test_a_preparation_is_a_method_and_a_polarity(text: str, preparation: Preparation) -> None:
    assert parse_preparation(text) == preparation


@pytest.mark.parametrize("text", ["crop", "fit,bright", "fit,light,dark", "fit light"])
def test_an_unknown_preparation_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"A picture is prepared by mnist|The polarity is detect"):
        parse_preparation(text)


def test_a_shape_beyond_the_limits_is_refused() -> None:
    with pytest.raises(UserError, match="2 channels"):
        parse_shape("2x32x32")
