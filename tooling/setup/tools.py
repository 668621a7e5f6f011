"""Which tools the project uses, where they are, and where they come from."""

import re
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.paths import ROOT
from tooling import processes
from tooling.setup import clang, renode
from tooling.tables import table


@dataclass(frozen=True)
class Tool:
    """One program, and what a person wants to know about it.

    `apt` and `brew` name the packages that bring it; tools without either are Python packages of the
    environment or, for Renode, what `setup` fetches. An `optional` one is never installed by `setup`.
    """

    name: str
    needed_by: str
    apt: tuple[str, ...] = ()
    brew: tuple[str, ...] = ()
    version_arguments: tuple[str, ...] = ("--version",)
    find: Callable[[str], Path | None] | None = None
    optional: bool = False

    def path(self) -> Path | None:
        """Where it is, or None."""
        if self.find:
            return self.find(self.name)
        found = shutil.which(self.name, path=processes.environment()["PATH"])
        return Path(found) if found else None

    def version(self) -> str:
        """Its version as it states it, '?' where it states none, '' where it has none to ask for."""
        path = self.path()
        if path is None or not self.version_arguments:
            return ""
        try:
            output = processes.run([path, *self.version_arguments], timeout=60, capture=True).output
        except UserError:
            return "does not start"
        found = re.search(r"\d+(\.\d+)+", output)
        return found.group() if found else "?"

    @property
    def how_to_get(self) -> str:
        """What to do where it is missing."""
        if not self.apt and not self.brew:
            return "./inv setup"
        how = how_to_install([self])
        return how if self.optional else f"./inv setup, or {how}"


COMPILER = Tool("arm-none-eabi-gcc", "build", apt=("gcc-arm-none-eabi",), brew=("arm-none-eabi-gcc",))
QEMU = Tool("qemu-system-arm", "sim-test --on qemu", apt=("qemu-system-arm",), brew=("qemu",))
NATIVE_COMPILER = Tool("cc", "test, sim-test --on native", apt=("gcc", "libc6-dev"), brew=("gcc",))
CLANG = Tool("clang", "test, fuzz", apt=("clang", "libclang-rt-dev"), brew=("llvm",), find=clang.find)
CMAKE = Tool("cmake", "build")
NINJA = Tool("ninja", "build")
RENODE = Tool("renode", "sim", find=lambda _: renode.find_renode())
RENODE_TEST = Tool("renode-test", "sim-test", version_arguments=(), find=lambda _: renode.find_runner())
RUFF = Tool("ruff", "test")
ROBOCOP = Tool("robocop", "test")
CLANG_FORMAT = Tool("clang-format", "test")
ST_FLASH = Tool("st-flash", "flash", apt=("stlink-tools",), brew=("stlink",), optional=True)
PICOCOM = Tool(
    "picocom",
    "talking to a board by hand",
    apt=("picocom",),
    brew=("picocom",),
    version_arguments=("--help",),
    optional=True,
)

SYSTEM_TOOLS = (COMPILER, QEMU, NATIVE_COMPILER)
ALL_TOOLS = (
    COMPILER, CMAKE, NINJA, RENODE, RENODE_TEST, QEMU, NATIVE_COMPILER, CLANG,
    RUFF, ROBOCOP, CLANG_FORMAT, ST_FLASH, PICOCOM,
)  # fmt: skip


def how_to_install(tools: Iterable[Tool]) -> str:
    """What to do to get `tools`, to stand after 'or': the one line to type where this system has one."""
    tools = list(tools)
    if sys.platform == "darwin":
        return f"type 'brew install {' '.join(package for tool in tools for package in tool.brew)}'"
    if shutil.which("apt-get"):
        return f"type 'sudo apt-get install {' '.join(package for tool in tools for package in tool.apt)}'"
    return f"install {' and '.join(tool.name for tool in tools)} with your system's package manager"


def require(*tools: Tool) -> None:
    """Raises UserError, naming what to type, when one of `tools` is missing."""
    missing = [tool for tool in tools if tool.path() is None]
    if missing:
        names = " and ".join(tool.name for tool in missing)
        raise UserError(f"{names} not found: type './inv setup', or {how_to_install(missing)}.")


def doctor() -> str:
    """The table of all tools: name, version, where it was found, what needs it, how to get it."""
    rows = [("tool", "version", "found at", "needed by", "where to get it")]
    rows.append(("python", sys.version.split()[0], sys.executable, "everything", "python.org"))
    for tool in ALL_TOOLS:
        path = tool.path()
        shown = str(path).removeprefix(f"{ROOT}/") if path else "missing"
        rows.append((tool.name, tool.version(), shown, tool.needed_by, "" if path else tool.how_to_get))
    rows.append(("torch", *_torch(), "train", "" if _torch()[0] else "./inv setup --train"))
    return table(rows)


def _torch() -> tuple[str, str]:
    """Version and place of torch, found without the seconds that importing it takes."""
    from importlib import metadata, util

    spec = util.find_spec("torch")
    if spec is None or spec.origin is None:
        return "", "missing"
    return metadata.version("torch"), str(Path(spec.origin).parent).removeprefix(f"{ROOT}/")
