"""Exported networks, compiled for this computer and for a simulated chip, and run."""

from __future__ import annotations

import ctypes
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.paths import ROOT
from compiler import codegen
from compiler.network import IMAGE, Model

NETWORK = ROOT / "firmware" / "network"
FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wundef", "-Werror"]
ARM_FLAGS = ["-mcpu=cortex-m3", "-mthumb", "-ffreestanding", "-ffunction-sections", "-fdata-sections",
             "-fno-common", "-fno-tree-loop-distribute-patterns"]  # fmt: skip
ARM_LAYOUT = [
    "-nostdlib",
    "-Wl,-e,network_run",
    "-Wl,--section-start=.text=0x08000000",
    "-Wl,-Tbss=0x20000000",
]


def edge_images(seed: int = 0, shape: tuple[int, ...] = IMAGE.shape) -> np.ndarray:
    """Images, uint8 (N, *shape): black, white, black and white pixels at random, and noise."""
    generator = np.random.default_rng(seed)
    ends = generator.choice(np.array([0, 255], np.uint8), (2, *shape))
    noise = generator.integers(0, 256, (2, *shape), np.uint8)
    return np.concatenate([np.zeros((1, *shape), np.uint8), np.full((1, *shape), 255, np.uint8), ends, noise])


class NativeNetwork:
    """A network compiled for this computer: the functions of network.h, for images as bytes."""

    def __init__(self, model: Model, folder: Path, *definitions: str) -> None:
        codegen.export(model, folder)
        library = folder / "libnetwork.so"
        _compile(compiler("cc"), folder, library, ["-shared", "-fPIC", *definitions])
        self._library = ctypes.CDLL(str(library))
        self._library.network_rows.restype = ctypes.c_bool
        self._logits_type = ctypes.c_int32 * model.classes

    def run(self, image: bytes) -> list[int]:
        return self._logits(self._library.network_run, image)

    def begin(self) -> None:
        self._library.network_begin()

    def rows(self, image: bytes, rows: int) -> bool:
        return self._library.network_rows(image, rows)

    def finish(self, image: bytes) -> list[int]:
        return self._logits(self._library.network_finish, image)

    def selftest_logits(self) -> list[int]:
        """What the image of the self-test has to give."""
        return list(self._logits_type.in_dll(self._library, "model_selftest_logits"))

    def _logits(self, function: Any, image: bytes) -> list[int]:
        logits = self._logits_type()
        function(image, logits)
        return list(logits)


class ArmNetwork:
    """The same network compiled for the chip, on a simulated one."""

    def __init__(self, model: Model, folder: Path, *definitions: str) -> None:
        self._machine = arm_machine(model, folder, *definitions, counts=False)
        self._classes = model.classes

    def run(self, image: bytes) -> list[int]:
        logits: list[int] = self._machine.classify(image, self._classes)[0]
        return logits

    def begin(self) -> None:
        self._machine.call("network_begin")

    def rows(self, image: bytes, rows: int) -> bool:
        return self._machine.call("network_rows", image, rows).value & 0xFF != 0

    def finish(self, image: bytes) -> list[int]:
        logits = bytearray(4 * self._classes)
        self._machine.call("network_finish", image, logits)
        return list(struct.unpack(f"<{self._classes}i", logits))


def streamed(network: Any, image: np.ndarray, generator: np.random.Generator) -> list[int]:
    """The logits of an image, uint8 ([channels,] rows, columns), that arrives in random portions.

    The portions are rows of the last channel. What has not arrived is noise. network_begin() has been called
    before, or is not needed.
    """
    image = image.reshape(-1, *image.shape[-2:])
    noise = generator.integers(0, 256, image.shape, np.uint8)
    for rows in _arrivals(generator, image.shape[1]):
        last = np.concatenate([image[-1, :rows], noise[-1, rows:]])
        so_far = np.concatenate([image[:-1], last[np.newaxis]]).tobytes()
        for _ in range(int(generator.integers(1, 4))):
            network.rows(so_far, rows)
    return network.finish(image.tobytes())


def _arrivals(generator: np.random.Generator, rows: int) -> list[int]:
    """Numbers of rows, none lower than the one before."""
    one_by_one = list(range(rows + 1))
    some = sorted(generator.integers(0, rows + 1, int(generator.integers(1, 20))).tolist())
    return [[], [rows], one_by_one, sorted(one_by_one * 3), some][int(generator.integers(5))]


def run_native(model: Model, folder: Path, images: np.ndarray, *definitions: str) -> np.ndarray:
    """The logits, int32 (N, classes), of the network compiled for this computer."""
    network = NativeNetwork(model, folder, *definitions)
    return np.array([network.run(image.tobytes()) for image in images], np.int32)


def arm_machine(model: Model, folder: Path, *definitions: str, **options: Any) -> Any:
    """The network compiled for the chip, on a simulated one."""
    pytest.importorskip("unicorn", exc_type=ImportError)
    from tooling.measure import cortex_m3

    codegen.export(model, folder)
    elf = folder / "network.elf"
    _compile(compiler("arm-none-eabi-gcc"), folder, elf, [*ARM_FLAGS, *ARM_LAYOUT, *definitions])
    return cortex_m3.Machine(elf, **options)


def run_arm(model: Model, folder: Path, images: np.ndarray, *definitions: str) -> np.ndarray:
    """The logits, int32 (N, classes), of the network compiled for the chip."""
    network = ArmNetwork(model, folder, *definitions)
    return np.array([network.run(image.tobytes()) for image in images], np.int32)


def compile_c(program: str, sources: list[Path], output: Path, options: list[str], folder: Path) -> None:
    """Compile C with the project's warnings as errors."""
    subprocess.run([program, *FLAGS, f"-I{folder}", *options, *sources, "-lgcc", "-o", output], check=True)


def _compile(program: str, folder: Path, output: Path, options: list[str]) -> None:
    sources = [folder / "model.c", NETWORK / "network.c"]
    compile_c(program, sources, output, [f"-I{NETWORK}", *options], folder)


def compiler(name: str) -> str:
    """The path of a C compiler; the test is skipped without it."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"there is no {name} on PATH")
    return path
