"""requirements.lock has one version with checksums for each package that pyproject.toml names."""

from __future__ import annotations

import re
import sys

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found]

from packaging.markers import Marker
from packaging.requirements import Requirement

from common.paths import ROOT

LOCK = (ROOT / "requirements.lock").read_text()


def locked() -> dict[str, str]:
    """The version of each package for this Python and system."""
    found = re.findall(r"^([\w.-]+)(?:\[\S+\])?==(\S+)(?: ; ([^\\]+?))? \\$", LOCK, re.MULTILINE)
    return {name: version for name, version, marker in found if not marker or Marker(marker).evaluate()}


def required() -> list[Requirement]:
    """The packages that ./inv installs, without those for other systems."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["dev"]])
    return [found for found in requirements if found.marker is None or found.marker.evaluate()]


def test_the_lock_follows_pyproject() -> None:
    versions = locked()
    for requirement in required():
        version = versions.get(requirement.name)
        assert version is not None and requirement.specifier.contains(version), (
            f"requirements.lock has {version} for {requirement}: type the command in its head"
        )


def test_every_package_has_checksums() -> None:
    packages = re.split(r"^(?=\w)", LOCK, flags=re.MULTILINE)[1:]

    assert len(packages) >= len(locked()) > 40
    assert all("--hash=sha256:" in package for package in packages)


def test_no_package_index_is_named() -> None:
    assert not re.search(r"://|--(extra-)?index-url|--find-links", LOCK)
