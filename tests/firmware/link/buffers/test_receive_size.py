"""The buffers follow from the model's images and classes, and the compiler counts what the firmware takes."""

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest
import shapes

from common import limits
from common.paths import FIRMWARE
from compiler import resources, target
from host import link
from tooling import build, size

LINK = FIRMWARE / "link"
IMAGE_BYTES = (16, 17, 64, 105, 480, 499, 784, 989, 990, 1009, 3072, limits.MAX_IMAGE_BYTES)
CLASSES = (2, 10, 14, 15, 25, 26, limits.MAX_CLASSES)
CASES = [(image, classes) for image in IMAGE_BYTES for classes in CLASSES]
MARGIN = 4  # bytes of the buffer that stay unused


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], int]:
    """The size of the receive buffer by image bytes and classes, as receive_buffer.h has it."""
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler for this computer")
    folder = tmp_path_factory.mktemp("sizes")
    (folder / "model.h").write_text("#define NETWORK_PIXELS 16\n#define NETWORK_CLASSES 2\n")
    lines = ['#include "receive_buffer.h"']
    for number, (image, classes) in enumerate(CASES):
        lines += ["#undef NETWORK_PIXELS", "#undef NETWORK_CLASSES"]
        lines += [f"#define NETWORK_PIXELS {image}", f"#define NETWORK_CLASSES {classes}"]
        lines += [f"int size_{number} = RECEIVE_BUFFER_BYTES;"]
    source, library = folder / "sizes.c", folder / "libsizes.so"
    source.write_text("\n".join(lines) + "\n")
    flags = ["-shared", "-fPIC", f"-I{LINK}", f"-I{folder}"]
    subprocess.run(["cc", *flags, source, "-o", library], check=True)
    loaded = ctypes.CDLL(str(library))
    return {case: ctypes.c_int.in_dll(loaded, f"size_{n}").value for n, case in enumerate(CASES)}


def test_the_compiler_counts_the_receive_buffer_that_the_firmware_has(
    sizes: dict[tuple[int, int], int],
) -> None:
    assert sizes == {case: target.receive_buffer_bytes(*case) for case in CASES}


def test_the_receive_buffer_holds_what_may_arrive(sizes: dict[tuple[int, int], int]) -> None:
    for (image, classes), buffer in sizes.items():
        frame = len(link.wrap_body(b"\1" * link.max_body(image)))
        name, logit = "n" * limits.MAX_NAME_CHARACTERS, "-21474836.48"
        lines = [f"Predicted class: {name}", "Logits:", "Ready for next image"]
        lines += [f"Class {name}: {logit}"] * classes
        behind_result = sum(len(line) + 2 for line in lines)
        step = 72_000_000 * 3.2e-3 / link.MIN_CYCLES_PER_BYTE
        assert buffer - MARGIN >= min(frame, max(behind_result, step))
        assert buffer <= 4096


def test_a_frame_of_1020_bytes_waits_in_every_buffer_that_is_not_larger(
    sizes: dict[tuple[int, int], int],
) -> None:
    """LINK.md: such a frame waits while the network computes."""
    for (image, _), buffer in sizes.items():
        frame = len(link.wrap_body(b"\1" * link.max_body(image)))
        assert buffer - MARGIN >= min(frame, 1020)


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")
@pytest.mark.parametrize("name", ["cnn", "rgb-32x32", shapes.SMALLEST, shapes.LARGEST])
def test_the_firmware_takes_what_export_counts(name: str) -> None:
    build.build(build.BLUEPILL, shapes.path_of(name))
    elf: Path = build.image(build.BLUEPILL, shapes.path_of(name))
    taken, counted = size.measure(elf), resources.measure(shapes.model(name))
    assert counted.sram_needed - 64 <= taken.sram <= counted.sram_needed
    assert taken.flash <= counted.flash_needed
    [receiver] = [symbol.size for symbol in taken.symbols if symbol.name == "receiver"]
    assert receiver == 40 + 2 + link.max_body(shapes.model(name).input.count)
