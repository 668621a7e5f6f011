"""Exported networks, compiled for this computer and for a simulated chip, and run."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

from training import export
from training.paths import ROOT

NETWORK = ROOT / "firmware" / "network"
FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wundef", "-Werror"]
ARM_FLAGS = ["-mcpu=cortex-m3", "-mthumb", "-ffreestanding", "-ffunction-sections", "-fdata-sections"]
ARM_LAYOUT = [
    "-nostdlib",
    "-Wl,-e,network_run",
    "-Wl,--section-start=.text=0x08000000",
    "-Wl,-Tbss=0x20000000",
]


def edge_images(seed=0):
    """Images, uint8 (N, 28, 28): nothing, full ink, both ends at random, and any values."""
    generator = np.random.default_rng(seed)
    ends = generator.choice(np.array([0, 255], np.uint8), (2, 28, 28))
    return np.concatenate(
        [np.zeros((1, 28, 28), np.uint8), np.full((1, 28, 28), 255, np.uint8), ends,
         generator.integers(0, 256, (2, 28, 28), np.uint8)]
    )  # fmt: skip


def run_native(model, folder, images, *definitions):
    """The logits, int32 (N, 10), of the network compiled for this computer."""
    export.export(model, folder)
    library = folder / "libnetwork.so"
    _compile(_compiler("cc"), folder, library, ["-shared", "-fPIC", *definitions])
    network_run = ctypes.CDLL(str(library)).network_run
    logits = np.zeros((len(images), 10), np.int32)
    for image, row in zip(images, logits, strict=True):
        network_run(image.tobytes(), row.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)))
    return logits


def arm_machine(model, folder, *definitions, **options):
    """The network compiled for the chip, on a simulated one."""
    cortex_m3 = pytest.importorskip("tooling.cortex_m3", exc_type=ImportError)
    export.export(model, folder)
    elf = folder / "network.elf"
    _compile(_compiler("arm-none-eabi-gcc"), folder, elf, [*ARM_FLAGS, *ARM_LAYOUT, *definitions])
    return cortex_m3.Machine(elf, **options)


def run_arm(model, folder, images, *definitions):
    """The logits, int32 (N, 10), of the network compiled for the chip."""
    machine = arm_machine(model, folder, *definitions, counts=False)
    return np.array([machine.classify(image.tobytes())[0] for image in images], np.int32)


def _compile(compiler, folder, output, options):
    subprocess.run(
        [
            compiler,
            *FLAGS,
            f"-I{folder}",
            f"-I{NETWORK}",
            *options,
            folder / "model.c",
            "-lgcc",
            "-o",
            output,
        ],
        check=True,
    )


def _compiler(name):
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"there is no {name} on PATH")
    return path
