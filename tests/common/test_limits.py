"""Limits of image shapes and class names."""

import pytest

from common.errors import UserError
from common.limits import check_class_names, check_shape


@pytest.mark.parametrize("shape", [(1, 4, 4), (1, 64, 64), (3, 32, 32), (1, 4, 64), (3, 21, 64)])
def test_supported_shapes(shape: tuple[int, ...]) -> None:
    check_shape(shape)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((28, 28), "channels, rows and columns"),
        ((2, 8, 8), "2 channels"),
        ((1, 3, 8), "from 4 to 64"),
        ((1, 8, 65), "from 4 to 64"),
        ((3, 22, 64), "4,224 bytes"),
    ],
)
def test_unsupported_shapes(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_shape(shape)


def test_supported_names() -> None:
    check_class_names(["a", "T-shirt/top", "~" * 16])
    check_class_names([str(number) for number in range(64)])


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a"], "1 classes"),
        ([str(number) for number in range(65)], "65 classes"),
        (["a", ""], "''"),
        (["a", "ankle boot"], "without blanks"),
        (["a", "x" * 17], "1 to 16"),
        (["a", "na\N{LATIN SMALL LETTER I WITH DIAERESIS}ve"], "ASCII"),
        (["a", "a"], "Two classes"),
    ],
)
def test_unsupported_names(names: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_class_names(names)
