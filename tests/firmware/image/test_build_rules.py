"""What the compiler and the linker refuse, and the debug build."""

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from common.paths import FIRMWARE
from compiler import model_file, reference
from data.mnist import load_test_set
from host.board import Board
from tooling import build
from tooling.setup.renode import find_renode
from tooling.simulate import qemu, renode

pytestmark = pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")


@pytest.fixture(scope="module")
def folder() -> Path:
    """The build folder of the board's firmware."""
    build.build(build.BLUEPILL)
    return build.image(build.BLUEPILL).parent


def compile_as_the_firmware(folder: Path, source: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Compiles a text with the options of app.c into extra.o."""
    commands = json.loads((folder / "compile_commands.json").read_text())
    [command] = [entry["command"] for entry in commands if entry["file"].endswith("/app.c")]
    options = [word for word in shlex.split(command) if not word.endswith((".c", ".o", ".obj", ".d"))]
    options = [word for word in options if word not in ("-o", "-c", "-MD", "-MT", "-MF")]
    (tmp_path / "extra.c").write_text(source)
    arguments = [*options, "-c", str(tmp_path / "extra.c"), "-o", str(tmp_path / "extra.o")]
    return subprocess.run(arguments, cwd=folder, capture_output=True, text=True)


def link_with(folder: Path, extra: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Links the firmware with one more object file."""
    commands = subprocess.run(
        ["ninja", "-t", "commands", "-s", "firmware.elf"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    link = commands.split("&&")[1]
    words = [str(tmp_path / "linked.elf") if word == "firmware.elf" else word for word in shlex.split(link)]
    words = [word.replace("-Map=", f"-Map={tmp_path}/") for word in words]
    return subprocess.run([*words, "-Wl,-u,lost", extra], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(("size", "refused"), [(300, False), (400, True)])
def test_a_function_may_take_three_eighths_of_the_stack(
    folder: Path, tmp_path: Path, size: int, refused: bool
) -> None:
    body = f"volatile char memory[{size}] = {{0}}; memory[1] = memory[0];"
    source = f"void large(void); void large(void) {{ {body} }}"
    finished = compile_as_the_firmware(folder, source, tmp_path)

    assert ("-Werror=stack-usage" in finished.stderr) == refused, finished.stderr
    assert (finished.returncode != 0) == refused


@pytest.mark.parametrize(("section", "refused"), [(".rodata.known", False), (".unknown", True)])
def test_a_section_without_a_place_is_refused(
    folder: Path, tmp_path: Path, section: str, refused: bool
) -> None:
    source = f'__attribute__((section("{section}"), used)) const int lost = 1;'
    assert compile_as_the_firmware(folder, source, tmp_path).returncode == 0
    finished = link_with(folder, tmp_path / "extra.o", tmp_path)

    assert ("unplaced orphan section" in finished.stderr) == refused, finished.stderr
    assert (finished.returncode != 0) == refused


def test_the_linker_prints_the_memory_taken(folder: Path, tmp_path: Path) -> None:
    assert (
        compile_as_the_firmware(folder, "extern const int lost; const int lost = 1;", tmp_path).returncode
        == 0
    )
    printed = link_with(folder, tmp_path / "extra.o", tmp_path).stdout

    assert "FLASH:" in printed and "SRAM:" in printed


@pytest.fixture(scope="module", params=["-Og -g", "-O0 -g"])
def debug_image(
    request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The firmware of the build type Debug, whose own options are the first of these; it fits QEMU."""
    debug = tmp_path_factory.mktemp("debug")
    build.build(build.QEMU_BOARD)
    model = build.generated(board_name=build.QEMU_BOARD)
    options = [f"-DGENERATED_DIR={model}", "-DCMAKE_BUILD_TYPE=Debug"]
    if request.param != "-Og -g":
        options.append(f"-DCMAKE_C_FLAGS_DEBUG={request.param}")
    subprocess.run(["cmake", "--preset", "bluepill", "-B", debug, *options], cwd=FIRMWARE, check=True)
    assert f"CMAKE_C_FLAGS_DEBUG:STRING={request.param}" in (debug / "CMakeCache.txt").read_text()
    subprocess.run(["cmake", "--build", debug], check=True)
    return debug / "firmware.elf"


def check_answers(url: str) -> None:
    images = load_test_set().images[:3]
    expected = reference.run(model_file.load(build.model_file()), images)
    # On a busy computer the simulator may see a pause inside a frame: more attempts than usual.
    with Board.open(url, boot_timeout=60, timeout=60, attempts=20) as board:
        assert board.info().selftest == "passed"
        for image, logits in zip(images, expected.tolist(), strict=True):
            assert list(board.classify(image).logits) == logits


@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="needs qemu-system-arm")
def test_the_debug_build_answers_on_qemu(debug_image: Path) -> None:
    with qemu.start(debug_image) as simulation:
        check_answers(simulation.url)


@pytest.mark.skipif(find_renode() is None, reason="needs Renode")
def test_the_debug_build_answers_on_renode(debug_image: Path) -> None:
    with renode.start(debug_image) as simulation:
        check_answers(simulation.url)
