"""The copy of the clone that these tests share."""

import pytest
from clones import Clone, copy_clone


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """One copy for all tests, in a folder with a blank in its name."""
    return copy_clone(tmp_path_factory.mktemp("a clone"))
