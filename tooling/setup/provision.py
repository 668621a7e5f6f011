"""`setup`: everything that the other tasks need, installed or named."""

from collections.abc import Sequence
from importlib import metadata, util
from pathlib import Path

from common.errors import UserError
from common.paths import shown
from tooling.setup import packages, renode, tools


def setup(*, train: bool = False, renode_archive: Path | None = None) -> None:
    """Install what is missing, and say what is there.

    A Renode that cannot be had is a remark: the suites run on QEMU then. Raises UserError for everything
    else.
    """
    _install_python_tools()
    if train:
        _install_training()
    problem = install_system_tools()
    if renode.find_runner() is None:
        try:
            renode.fetch(renode_archive)
        except UserError as error:
            print(f"{error} Until then the suites run on QEMU.")
    if runner := renode.find_runner():
        print(f"renode: {shown(runner)}")
    if problem:
        raise UserError(problem)


def install_system_tools(wanted: Sequence[tools.Tool] = tools.SYSTEM_TOOLS) -> str:
    """Install the compilers and QEMU where they are missing and that can be done without asking.

    Returns what the user has to do, '' when nothing. Raises UserError when installing fails.
    """
    missing = [tool for tool in wanted if tool.path() is None]
    if missing and packages.can_install():
        names = [package for tool in missing for package in tool.apt]
        print(f"Installing these Debian packages with apt-get: {' '.join(names)}", flush=True)
        packages.install(names)
        missing = [tool for tool in missing if tool.path() is None]
    for tool in wanted:
        if path := tool.path():
            print(f"{tool.name}: {path}")
    if not missing:
        return ""
    names = " and ".join(tool.name for tool in missing)
    return f"{names} cannot be installed from here: {tools.how_to_install(missing)}."


def provide(*needed: tools.Tool, install: bool = True) -> None:
    """Install those of `needed` that are missing, unless `install` forbids it.

    Raises UserError that says what to type.
    """
    if not install:
        tools.require(*needed)
    elif any(tool.path() is None for tool in needed):
        print("Something is missing, so './inv setup' comes first.")
        install_system_tools()
        tools.require(*needed)


def provide_all() -> None:
    """Install what is missing and can be installed; what cannot is for the caller to find missing."""
    _install_python_tools()
    try:
        if problem := install_system_tools():
            print(problem)
    except UserError as error:
        print(error)
    provide_fuzzers()
    if reason := provide_renode():
        print(reason)


def provide_fuzzers() -> None:
    """Install clang and Atheris where that can be done; what cannot is for the caller to find missing."""
    try:
        if tools.CLANG.path() is None and (problem := install_system_tools([tools.CLANG])):
            print(problem)
        if util.find_spec("atheris") is None:
            packages.pip_install("fuzz")
    except UserError as error:
        print(error)


def provide_renode(*, install: bool = True) -> str:
    """Fetch Renode unless it is here, a try has just failed, or `install` forbids it.

    Returns why it is not here, '' if it is.
    """
    if renode.find_runner():
        return ""
    if not install:
        return "Renode is not installed, and --no-install forbids to fetch it."
    if not renode.why_not_here():
        try:
            renode.fetch()
        except UserError as error:
            return str(error)
    return renode.why_not_here()


def _install_python_tools() -> None:
    missing = [
        name
        for name in ("ruff", "clang-format", "robotframework-robocop", "pytest", "hypothesis", "mutmut")
        if not _is_installed(name)
    ]
    if missing:
        print(f"installing {', '.join(missing)} with pip", flush=True)
        packages.pip_install("dev")
    print("python packages: installed")


def _install_training() -> None:
    if util.find_spec("torch") is None or util.find_spec("torchvision") is None:
        print("installing torch with pip (several GB where its build for Linux brings CUDA)", flush=True)
        packages.pip_install("train")
    print(f"torch: {metadata.version('torch')}")


def _is_installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
