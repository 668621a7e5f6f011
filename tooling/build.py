"""Building the firmware: export the model as C, configure CMake, compile; only what is out of date.

Each model has its own folder in build/: generated/ holds its C, every other folder the build for one board.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.locks import locked
from common.paths import BOARDS as BOARD_FOLDERS
from common.paths import BUILD, CHIPS, COMPILER, DEFAULT_MODEL, FIRMWARE, MODELS, ROOT, model_files, shown
from compiler.target import DEFAULT_BOARD, memory_layout
from tooling import processes
from tooling.setup import tools

BLUEPILL = "bluepill"
NATIVE = "native"
QEMU_BOARD = "qemu"
SANITIZED = "native-sanitize"
FUZZ = "fuzz"

_COMPILE_LIMIT = 600.0

PRESETS = FIRMWARE / "CMakePresets.json"

# The folders of build/ that other tasks use. A model of such a name gets another folder.
_RESERVED = {"bench", "fuzzing", "logs", "mutants", "robot", "training"}


@dataclass(frozen=True)
class Board:
    """One build of the firmware: its CMake preset, its program, and the tools that it needs."""

    name: str
    preset: str
    program: str
    needs: tuple[tools.Tool, ...]
    targets: tuple[str, ...] = ()  # all of them if empty

    @property
    def has_chip(self) -> bool:
        return self.preset == BLUEPILL


def _chip_boards() -> list[str]:
    """The folders of firmware/boards whose board.cmake names a chip."""
    descriptions = sorted(BOARD_FOLDERS.glob("*/board.cmake"))
    return [path.parent.name for path in descriptions if "set(CHIP " in path.read_text()]


_CHIP_TOOLS = (tools.CMAKE, tools.NINJA, tools.COMPILER)
_NATIVE_TOOLS = (tools.CMAKE, tools.NINJA, tools.NATIVE_COMPILER)
_FUZZ_TOOLS = (tools.CMAKE, tools.NINJA, tools.CLANG)

# The board whose firmware each simulator runs.
SIMULATED = {"renode": BLUEPILL, "qemu": QEMU_BOARD, "native": NATIVE}

BOARDS = {
    **{name: Board(name, BLUEPILL, "firmware.elf", _CHIP_TOOLS) for name in _chip_boards()},
    NATIVE: Board(NATIVE, NATIVE, "firmware", _NATIVE_TOOLS),
    SANITIZED: Board(SANITIZED, SANITIZED, "firmware", _NATIVE_TOOLS),
    FUZZ: Board(FUZZ, FUZZ, "fuzz_app", _FUZZ_TOOLS, targets=("fuzz_link", "fuzz_app")),
}


def board_named(name: str) -> Board:
    """The board of that name. Raises UserError that lists the boards."""
    if name not in BOARDS:
        raise UserError(f"There is no board '{name}': choose {', '.join(BOARDS)}.")
    return BOARDS[name]


def model_file(name_or_path: str = "") -> Path:
    """The file of a model, given its name in models/ or its path; by default that of DEFAULT_MODEL.

    Raises UserError if there is no such file.
    """
    name_or_path = name_or_path or DEFAULT_MODEL
    in_models = MODELS / f"{name_or_path}.npz"
    if in_models.is_file():
        return in_models
    path = Path(name_or_path).expanduser()
    if path.is_file():
        return path.resolve()
    names = ", ".join(file.stem for file in model_files(MODELS)) or "none"
    raise UserError(
        f"There is no model '{name_or_path}': name a file or a model of models/ ({names}), "
        "or type './inv train'."
    )


def build_folder(model: Path | None = None) -> Path:
    """The folder of a model's builds: build/NAME, or build/NAME-CHECKSUM for a file outside models/."""
    model = model or model_file()
    name = re.sub(r"[^\w.+-]", "_", model.stem)
    if model.parent == MODELS and name == model.stem and name not in _RESERVED:
        return BUILD / name
    return BUILD / f"{name}-{hashlib.sha256(str(model).encode()).hexdigest()[:8]}"


def generated(model: Path | None = None, board_name: str = DEFAULT_BOARD) -> Path:
    """The folder of a model's C files. A board whose chip has other memories than the default has its own."""
    folder = build_folder(model)
    if _memory_layout(board_name) != memory_layout(DEFAULT_BOARD):
        folder = folder / board_name
    return folder / "generated"


def exported_models() -> list[Path]:
    """The model files from which this clone holds C files."""
    stamps = BUILD.glob("*/generated/exported.txt")
    return [path for stamp in stamps if (path := Path(stamp.read_text().partition("\n")[0])).is_file()]


def image_path(board_name: str, model: Path | None = None) -> Path:
    """Where the firmware of that board with that model is, or will be, built."""
    return build_folder(model) / board_name / board_named(board_name).program


def image(board_name: str, model: Path | None = None) -> Path:
    """The firmware of that board with that model. Raises UserError if it is not built."""
    model = model or model_file()
    path = image_path(board_name, model)
    if not path.is_file():
        option = "" if model == model_file() else f" --model {_typed(model)}"
        raise UserError(f"{shown(path)} is missing: type './inv build --board {board_name}{option}'.")
    return path


def export(model: Path | None = None) -> bool:
    """Write a model's C files unless they are up to date. Returns whether it wrote them.

    Raises UserError if the model is broken or does not fit the chip.
    """
    model = model or model_file()
    with _lock(model):
        return _export(model, DEFAULT_BOARD)


def build(board_name: str = BLUEPILL, model: Path | None = None) -> bool:
    """Bring the firmware of a board up to date, with the model's C files. Returns whether it did anything.

    Raises UserError if a tool is missing or the compiler refuses the source.
    """
    board = board_named(board_name)
    tools.require(*board.needs)
    model = model or model_file()
    with _lock(model):
        did_export = _export(model, board_name)
        firmware = image_path(board_name, model)
        did_configure = _configure(board, firmware.parent, generated(model, board_name))
        targets = ["--target", *board.targets] if board.targets else []
        log = _cmake(["--build", firmware.parent, *targets], f"the {board.name} build")
        did_compile = "no work to do" not in log
        if did_compile:
            print(f"{shown(firmware)} built")
    return did_export or did_configure or did_compile


def _lock(model: Path) -> AbstractContextManager[None]:
    """One process at a time writes to the build folder of a model."""
    return locked(build_folder(model) / "lock", f"a build of {model.stem}")


def _export(model: Path, board: str) -> bool:
    """Write a model's C files unless they are up to date and known to fit the chip of this board."""
    folder = generated(model, board)
    stamp = folder / "exported.txt"
    fingerprint = _fingerprint([model, _memory_layout(board), *sorted(COMPILER.rglob("*.py"))])
    files = (folder / "model.c", folder / "model.h")
    if all(file.is_file() for file in files) and _read(stamp) == f"{model}\n{fingerprint}":
        return False

    from compiler import codegen
    from compiler.model_file import load

    folder.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    print(f"exporting {shown(model)}")
    codegen.export(load(model), folder, board if board_named(board).has_chip else DEFAULT_BOARD)
    stamp.write_text(f"{model}\n{fingerprint}")
    return True


def _memory_layout(board_name: str) -> Path:
    """The memories that a board's network may fill: those of its chip, or of the default board's."""
    return memory_layout(board_name if board_named(board_name).has_chip else DEFAULT_BOARD)


def _configure(board: Board, folder: Path, model_folder: Path) -> bool:
    """Run CMake's first step unless it was done for this clone and these presets."""
    stamp = folder / "configured.txt"
    fingerprint = f"{ROOT}\n{_fingerprint([PRESETS, *sorted(CHIPS.rglob('*.cmake'))])}"
    if (folder / "build.ninja").is_file() and _read(stamp) == fingerprint:
        return False
    stamp.unlink(missing_ok=True)
    choice = [f"-DBOARD={board.name}"] if board.has_chip else []
    choice.append(f"-DGENERATED_DIR={model_folder}")
    _cmake(["--fresh", "--preset", board.preset, "-B", folder, *choice], f"configuring {board.name}")
    stamp.write_text(fingerprint)
    return True


def _cmake(arguments: list[str | Path], what: str) -> str:
    """Run cmake in firmware/; returns its output. If it fails, prints the output and raises UserError."""
    finished = processes.run(["cmake", *arguments], cwd=FIRMWARE, timeout=_COMPILE_LIMIT, capture=True)
    if finished.status != 0:
        print(finished.output.rstrip())
        raise UserError(f"{what[0].upper()}{what[1:]} failed: the reason is in the lines above.")
    return finished.output


def _fingerprint(files: Iterable[Path]) -> str:
    """A checksum of the names and contents of `files`."""
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _typed(model: Path) -> str:
    """A model as a user would type it."""
    return model.stem if model.parent == MODELS else shown(model)


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
