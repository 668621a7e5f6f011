"""firmware/network/ in a user's project: its README's files, built for this computer and for the chip."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from common.paths import FIRMWARE
from compiler import codegen, model_file, reference
from tooling import build

NETWORK = FIRMWARE / "network"
TOOLCHAIN = FIRMWARE / "chips" / "stm32f103" / "toolchain.cmake"
PAGE = (NETWORK / "README.md").read_text(encoding="utf-8")
BLANK = np.zeros((1, 28, 28), np.uint8)

needs_cmake = pytest.mark.skipif(
    not shutil.which("cmake") or not shutil.which("ninja"), reason="needs CMake and Ninja"
)
pytestmark = needs_cmake

# Without a C library the chip needs what GCC may call, and nothing calls main().
CHIP_RUNTIME = FIRMWARE / "chips" / "stm32f103" / "core" / "runtime.c"


def code(language: str) -> str:
    """The page's only block of that language."""
    [block] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return block


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the page's main.c and its two lines of CMake. Its path has blanks."""
    folder = tmp_path_factory.mktemp("a project")
    (folder / "main.c").write_text(code("c"))
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.21)\n"
        "project(mine LANGUAGES C)\n"
        "add_executable(my_firmware main.c ${RUNTIME})\n"
        # Or memcpy() would be compiled to a call of itself.
        "set_property(SOURCE ${RUNTIME} PROPERTY COMPILE_OPTIONS -fno-tree-loop-distribute-patterns)\n"
        + code("cmake").replace("bluepill-mnist/firmware/network", f'"{NETWORK}"')
    )
    codegen.export(model_file.load(build.model_file()), folder / "model")
    return folder


def compile_project(project: Path, name: str, *options: str) -> Path:
    folder = project / name
    arguments = ["-G", "Ninja", f"-DNETWORK_MODEL_DIR={project / 'model'}", *options]
    subprocess.run(["cmake", "-S", project, "-B", folder, *arguments], check=True)
    subprocess.run(["cmake", "--build", folder], check=True)
    return folder / "my_firmware"


def expected_label() -> int:
    return int(reference.run(model_file.load(build.model_file()), BLANK)[0].argmax())


def test_the_pages_program_runs_on_this_computer(project: Path) -> None:
    program = compile_project(project, "native")

    assert subprocess.run([program]).returncode == expected_label()


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")
@pytest.mark.parametrize("options", ["-O2", "-O0", "-O1", "-O3", "-Os", "Debug"])
def test_the_pages_program_runs_on_the_chip(project: Path, options: str) -> None:
    cortex_m3 = pytest.importorskip("tooling.measure.cortex_m3", exc_type=ImportError)
    build_type = "-DCMAKE_BUILD_TYPE=Debug" if options == "Debug" else f"-DCMAKE_C_FLAGS_RELEASE={options}"
    program = compile_project(
        project,
        f"chip {options}",
        "-DCMAKE_BUILD_TYPE=Release",
        build_type,
        f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAIN}",
        f"-DRUNTIME={CHIP_RUNTIME}",
        "-DCMAKE_EXE_LINKER_FLAGS=-nostdlib -lgcc -Wl,-e,main,-Ttext=0x08000000,-Tbss=0x20000000",
    )

    assert cortex_m3.Machine(program, counts=False).call("main").value == expected_label()


def test_a_model_that_is_not_exported_is_one_sentence(tmp_path: Path) -> None:
    finished = subprocess.run(
        ["cmake", "--preset", "native", "-B", tmp_path / "build", f"-DGENERATED_DIR={tmp_path}"],
        cwd=FIRMWARE, capture_output=True, text=True,
    )  # fmt: skip

    assert finished.returncode != 0
    assert f"The model is not exported: type './inv export', which writes {tmp_path}/model.c." in " ".join(
        finished.stderr.split()
    )
