"""The settings of a picture's preparation."""

import pytest

from common.errors import UserError
from pictures.preparation import Preparation


def test_unknown_method_and_polarity() -> None:
    with pytest.raises(UserError, match="mnist, fit, stretch"):
        Preparation("crop")
    with pytest.raises(UserError, match="detect, dark, light"):
        Preparation("fit", "inverted")
