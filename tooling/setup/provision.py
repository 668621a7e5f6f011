"""Installing what is missing: for `setup`, and for the tasks that need it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata, util
from pathlib import Path

from common.errors import UserError
from common.paths import shown
from tooling.setup import packages, renode, renode_download, renode_release, tools

_PROJECT = "bluepill-mnist"


def setup(*, train: bool = False, renode_archive: Path | None = None) -> None:
    """Install what is missing, and print what is there.

    Without Renode the suites run on QEMU, so a failed download is only printed. Raises UserError for
    everything else.
    """
    if renode_archive and not renode_archive.is_file():
        raise UserError(f"There is no file {renode_archive}: name a copy of {_archive_name()}.")
    _install_python_tools()
    if train:
        _install_training()
    problem = install_system_tools(tools.SYSTEM_TOOLS)
    for tool in tools.SYSTEM_TOOLS:
        if path := tool.path():
            print(f"{tool.name}: {path}")
    if renode.find_runner() is None:
        try:
            renode_download.fetch(renode_archive)
        except UserError as error:
            print(f"{error} Until then the suites run on QEMU.")
    if runner := renode.find_runner():
        print(f"renode: {shown(runner)}")
    if problem:
        raise UserError(problem)


def _archive_name() -> str:
    archive = renode_release.archive()
    return archive.url if archive else "Renode's portable release"


def install_system_tools(wanted: Sequence[tools.Tool]) -> str:
    """Install those of `wanted` that are missing, if that takes no password. Prints the packages first.

    Returns what the user has to do, '' if nothing. Raises UserError if installing fails.
    """
    absent = tools.missing(wanted)
    if absent and packages.can_install():
        debian = [package for tool in absent for package in tool.apt]
        print(f"Installing these Debian packages with apt-get: {' '.join(debian)}", flush=True)
        packages.install(debian)
        absent = tools.missing(absent)
    if not absent:
        return ""
    tool_names = " and ".join(tool.name for tool in absent)
    return f"{tool_names} cannot be installed from here: {tools.how_to_install(absent)}."


def provide(*needed: tools.Tool, install: bool = True) -> None:
    """Install those of `needed` that are missing, unless `install` forbids it.

    Raises UserError that says what to type.
    """
    if install and (absent := tools.missing(needed)):
        print(f"Missing: {', '.join(tool.name for tool in absent)}.")
        install_system_tools(absent)
    tools.require(*needed)


def provide_all() -> None:
    """Install what is missing and can be installed. The caller finds out what is still missing."""
    _install_python_tools()
    try:
        if problem := install_system_tools([*tools.SYSTEM_TOOLS, *tools.TEST_TOOLS]):
            print(problem)
    except UserError as error:
        print(error)
    provide_fuzzers()
    if reason := provide_renode():
        print(reason)


def provide_fuzzers() -> None:
    """Install clang and Atheris if possible. The caller finds out what is still missing."""
    try:
        if problem := install_system_tools([tools.CLANG]):
            print(problem)
        if "atheris" in _missing_packages("fuzz"):
            print("Installing Atheris with pip", flush=True)
            packages.pip_install("fuzz")
    except UserError as error:
        print(error)


def provide_renode(*, install: bool = True) -> str:
    """Download Renode unless it is here, a try has just failed, or `install` forbids it.

    Returns why it is not here, '' if it is.
    """
    if renode.find_runner():
        return ""
    if not install:
        return "Renode is not installed, and --no-install forbids to download it."
    if not renode_download.why_not_here():
        try:
            renode_download.fetch()
        except UserError as error:
            return str(error)
    return renode_download.why_not_here()


def _install_python_tools() -> None:
    missing = _missing_packages("dev")
    if missing:
        print(f"Installing with pip: {', '.join(missing)}", flush=True)
        packages.pip_install("dev")
    print("python packages: installed")


def _install_training() -> None:
    if any(util.find_spec(package) is None for package in ("torch", "torchvision", "onnx", "sklearn")):
        print("Installing torch with pip (several GB if its build for Linux brings CUDA)", flush=True)
        packages.pip_install("train")
    print(f"torch: {metadata.version('torch')}")


def _missing_packages(extra: str) -> list[str]:
    """The packages of the project and of one of its extras that are missing or of a wrong version."""
    from packaging.requirements import Requirement

    try:
        requirements = [Requirement(text) for text in metadata.requires(_PROJECT) or []]
    except metadata.PackageNotFoundError:
        return [_PROJECT]
    return [
        requirement.name
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra})
        if not requirement.specifier.contains(_version(requirement.name), prereleases=True)
    ]


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "0"
