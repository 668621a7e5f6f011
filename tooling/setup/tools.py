"""The programs that the project uses, where they are, and how to get them."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from tooling import processes
from tooling.setup import renode


@dataclass(frozen=True)
class Tool:
    """A program.

    `installed_by`: the command of this project that installs it, '' if none does. `apt`, `brew`: the packages
    that bring it on Debian and with Homebrew; `macos`: the command that brings it on macOS without Homebrew.
    """

    name: str
    needed_by: str
    installed_by: str = "./inv setup"
    apt: tuple[str, ...] = ()
    brew: tuple[str, ...] = ()
    macos: str = ""
    version_arguments: tuple[str, ...] = ("--version",)
    find: Callable[[str], Path | None] | None = None

    def path(self) -> Path | None:
        """Where it is, None if it is missing."""
        return self.find(self.name) if self.find else _on_path(self.name)

    def version(self) -> str:
        """The version that it states, '?' if it states none, '' if it is missing or cannot be asked."""
        path = self.path()
        if path is None or not self.version_arguments:
            return ""
        try:
            output = processes.run([path, *self.version_arguments], timeout=60, capture=True).output
        except UserError:
            return "does not start"
        found = re.search(r"\d+(\.\d+)+", output)
        return found.group() if found else "?"


def _on_path(name: str) -> Path | None:
    found = shutil.which(name, path=processes.environment()["PATH"])
    return Path(found) if found else None


def _clang(name: str) -> Path | None:
    """clang, if it has the runtime of libFuzzer, which some systems leave out."""
    found = _on_path(name)
    if found is None:
        return None
    try:
        resources = processes.run([found, "-print-resource-dir"], timeout=60, capture=True).output.strip()
    except UserError:
        return None
    return found if any(Path(resources).glob("lib/**/libclang_rt.fuzzer*")) else None


COMPILER = Tool("arm-none-eabi-gcc", "build", apt=("gcc-arm-none-eabi",), brew=("arm-none-eabi-gcc",))
QEMU = Tool("qemu-system-arm", "sim-test --on qemu", apt=("qemu-system-arm",), brew=("qemu",))
NATIVE_COMPILER = Tool(
    "cc", "test, sim-test --on native", apt=("gcc", "libc6-dev"), macos="xcode-select --install"
)
CLANG = Tool("clang", "fuzz", "./inv fuzz", apt=("clang", "libclang-rt-dev"), brew=("llvm",), find=_clang)
CPPCHECK = Tool("cppcheck", "test", "./inv test", apt=("cppcheck",), brew=("cppcheck",))
CHROMIUM = Tool("chromium", "test", "./inv test", apt=("chromium",), brew=("chromium",))
CHROMEDRIVER = Tool("chromedriver", "test", "./inv test", apt=("chromium-driver",), brew=("chromedriver",))
NPM = Tool("npm", "test", "./inv test", apt=("npm",), brew=("node",))
CMAKE = Tool("cmake", "build")
NINJA = Tool("ninja", "build")
RENODE = Tool("renode", "sim, sim-test", find=lambda _: renode.find_renode())
RENODE_TEST = Tool("renode-test", "sim-test", version_arguments=(), find=lambda _: renode.find_runner())
RUFF = Tool("ruff", "test")
ROBOCOP = Tool("robocop", "test")
CLANG_FORMAT = Tool("clang-format", "test")
CODESPELL = Tool("codespell", "test")
MYPY = Tool("mypy", "test")
ACTIONLINT = Tool("actionlint", "test", "")
ST_FLASH = Tool("st-flash", "flash", "", apt=("stlink-tools",), brew=("stlink",))
PICOCOM = Tool(
    "picocom", "a terminal on the board", "", ("picocom",), ("picocom",), version_arguments=("--help",)
)

SYSTEM_TOOLS = (COMPILER, QEMU, NATIVE_COMPILER)
TEST_TOOLS = (CPPCHECK, CHROMIUM, CHROMEDRIVER)
ALL_TOOLS = (
    COMPILER, CMAKE, NINJA, RENODE, RENODE_TEST, QEMU, NATIVE_COMPILER, CLANG,
    CPPCHECK, CHROMIUM, CHROMEDRIVER, NPM, RUFF, ROBOCOP, CLANG_FORMAT, CODESPELL, MYPY, ST_FLASH, PICOCOM,
)  # fmt: skip


def missing(tools: Iterable[Tool]) -> list[Tool]:
    """Those of `tools` that are not here."""
    return [tool for tool in tools if tool.path() is None]


def require(*tools: Tool) -> None:
    """Raises UserError, with the command to type, if one of `tools` is missing."""
    if absent := missing(tools):
        raise UserError(not_found(absent))


def not_found(absent: Iterable[Tool]) -> str:
    """The sentence about missing tools: their names, and what to type."""
    absent = list(absent)
    names = " and ".join(tool.name for tool in absent)
    return f"{names} not found: {how_to_get(absent)}."


def how_to_get(tools: Iterable[Tool]) -> str:
    """What to type to get `tools`: this project's command, or the system's."""
    tools = list(tools)
    own = list(dict.fromkeys(tool.installed_by for tool in tools))
    ways = [f"type '{command}'" for command in own] if all(own) else []
    if system := how_to_install(tools):
        ways.append(system)
    return ", or ".join(ways)


def how_to_install(tools: Iterable[Tool]) -> str:
    """What to type to get `tools` from the system's packages; '' if they are Python packages or Renode."""
    packaged = [tool for tool in tools if tool.apt or tool.brew or tool.macos]
    if not packaged:
        return ""
    if sys.platform == "darwin":
        commands = [tool.macos for tool in packaged if tool.macos]
        if formulas := [formula for tool in packaged for formula in tool.brew]:
            commands.append(f"brew install {' '.join(formulas)}")
        return f"type '{' && '.join(commands)}'"
    if shutil.which("apt-get"):
        return f"type 'sudo apt-get install {' '.join(package for tool in packaged for package in tool.apt)}'"
    return f"install {' and '.join(tool.name for tool in packaged)} with your system's package manager"
