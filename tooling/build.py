"""From a model file to a firmware: export, configure, compile, each only when its input has changed."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.paths import BOARDS as BOARD_FOLDERS
from common.paths import BUILD, COMPILER, FIRMWARE, GENERATED, MODELS, ROOT, shown
from compiler.target import memory_layout
from tooling import processes
from tooling.measure import size
from tooling.setup import tools

# The model that a fresh clone builds. `train`, `export` and `build` with a model choose another; `clean`
# chooses this one again.
DEFAULT_MODEL = "cnn"

BLUEPILL = "bluepill"
NATIVE = "native"
SANITIZED = "native-sanitize"
FUZZ = "fuzz"

_CHOICE = BUILD / "model.txt"
_EXPORT_STAMP = GENERATED / "exported.txt"
_COMPILE_LIMIT = 600.0


@dataclass(frozen=True)
class Board:
    """One build of the firmware: its CMake preset, what that makes, and the tools it takes."""

    name: str
    preset: str
    image: Path
    needs: tuple[tools.Tool, ...]

    @property
    def has_chip(self) -> bool:
        return self.preset == BLUEPILL


_CHIP_TOOLS = (tools.CMAKE, tools.NINJA, tools.COMPILER)
_NATIVE_TOOLS = (tools.CMAKE, tools.NINJA, tools.NATIVE_COMPILER)


def _chip_boards() -> list[str]:
    """The folders of firmware/boards whose board.cmake names a chip."""
    descriptions = sorted(BOARD_FOLDERS.glob("*/board.cmake"))
    return [path.parent.name for path in descriptions if "set(CHIP " in path.read_text()]


BOARDS = {
    **{name: Board(name, BLUEPILL, BUILD / name / "firmware.elf", _CHIP_TOOLS) for name in _chip_boards()},
    NATIVE: Board(NATIVE, NATIVE, BUILD / NATIVE / "firmware", _NATIVE_TOOLS),
    SANITIZED: Board(SANITIZED, SANITIZED, BUILD / SANITIZED / "firmware", _NATIVE_TOOLS),
    FUZZ: Board(FUZZ, FUZZ, BUILD / FUZZ / "fuzz_app", (tools.CMAKE, tools.NINJA, tools.CLANG)),
}


def board_named(name: str) -> Board:
    """The board of that name. Raises UserError that lists the names there are."""
    if name not in BOARDS:
        raise UserError(f"There is no board '{name}': choose {', '.join(BOARDS)}.")
    return BOARDS[name]


def model_file(name_or_path: str = "") -> Path:
    """The file of a model: a path, a name in models/, or, when empty, the one chosen last or the default.

    Raises UserError when there is no such file.
    """
    if not name_or_path:
        name_or_path = _CHOICE.read_text().strip() if _CHOICE.is_file() else DEFAULT_MODEL
    in_models = MODELS / f"{name_or_path}.npz"
    if in_models.is_file():
        return in_models
    path = Path(name_or_path).expanduser()
    if path.is_file():
        return path.resolve()
    there = ", ".join(sorted(file.stem for file in MODELS.glob("*.npz"))) or "none"
    raise UserError(
        f"There is no model '{name_or_path}': name a file or one of models/ ({there}), or type './inv train'."
    )


def choose_model(path: Path) -> None:
    """Let the tasks that follow, in this clone, use that model file."""
    BUILD.mkdir(exist_ok=True)
    chosen = path.stem if path.parent == MODELS else str(path)
    if chosen == DEFAULT_MODEL:
        _CHOICE.unlink(missing_ok=True)
    else:
        _CHOICE.write_text(f"{chosen}\n")


def export(name_or_path: str = "") -> bool:
    """Write build/generated/model.c and model.h unless they are up to date. Whether anything was to do.

    Raises UserError for a model that is not there, UserError for one that is broken or does not fit.
    """
    path = model_file(name_or_path)
    sources = [path, memory_layout(), *sorted(COMPILER.rglob("*.py"))]
    fingerprint = _fingerprint(sources)
    generated = (GENERATED / "model.c", GENERATED / "model.h")
    if all(file.is_file() for file in generated) and _read(_EXPORT_STAMP) == fingerprint:
        choose_model(path)
        return False

    from compiler import codegen
    from compiler import model_file as files

    GENERATED.mkdir(parents=True, exist_ok=True)
    _EXPORT_STAMP.unlink(missing_ok=True)
    print(f"exporting {shown(path)}")
    codegen.export(files.load(path), GENERATED)
    _EXPORT_STAMP.write_text(fingerprint)
    choose_model(path)
    return True


def build(board_name: str = BLUEPILL, model: str = "") -> bool:
    """Bring one board's firmware up to date, the model's C included. Whether anything was to do.

    Raises UserError when a tool is missing or the compiler refuses the source.
    """
    board = board_named(board_name)
    tools.require(*board.needs)
    did_export = export(model)
    did_configure = _configure(board)
    where = [board.image.parent] if board.has_chip else ["--preset", board.preset]
    log = _cmake(["--build", *where], f"the {board.name} build")
    did_compile = "no work to do" not in log
    if did_compile and board.has_chip:
        print(f"{shown(board.image)}: {size.summary(board.image)}")
    elif did_compile:
        print(f"{shown(board.image)} built")
    return did_export or did_configure or did_compile


def image(board_name: str) -> Path:
    """The firmware of that board, as built. Raises UserError when it is not there."""
    path = board_named(board_name).image
    if not path.is_file():
        raise UserError(f"{shown(path)} is not there: type './inv build --board {board_name}'.")
    return path


def _configure(board: Board) -> bool:
    """Run CMake's first step where that was not done yet, or elsewhere, or from other presets."""
    folder = board.image.parent
    stamp = folder / "configured.txt"
    fingerprint = f"{ROOT}\n{_fingerprint([FIRMWARE / 'CMakePresets.json'])}"
    if (folder / "build.ninja").is_file() and _read(stamp) == fingerprint:
        return False
    stamp.unlink(missing_ok=True)
    choice = ["-B", folder, f"-DBOARD={board.name}"] if board.has_chip else []
    _cmake(["--fresh", "--preset", board.preset, *choice], f"configuring {board.name}")
    stamp.write_text(fingerprint)
    return True


def _cmake(arguments: list[str | Path], what: str) -> str:
    """Run cmake in firmware/; what it printed. Raises UserError after showing that when it fails."""
    finished = processes.run(["cmake", *arguments], cwd=FIRMWARE, timeout=_COMPILE_LIMIT, capture=True)
    if finished.status != 0:
        print(finished.output.rstrip())
        raise UserError(f"{what[0].upper()}{what[1:]} failed: the reason is in the lines above.")
    return finished.output


def _fingerprint(files: Iterable[Path]) -> str:
    """One checksum over the names and contents of `files`."""
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
