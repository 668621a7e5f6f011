"""The memory functions that GCC may call, on an emulated chip."""

import random
import shutil
import subprocess

import pytest

pytest.importorskip("unicorn")
from recorded_chip import RecordedChip

from common.paths import FIRMWARE

COMPILER = shutil.which("arm-none-eabi-gcc")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs arm-none-eabi-gcc")

RUNTIME = FIRMWARE / "chips" / "stm32f103" / "core" / "runtime.c"
FUNCTIONS = ("memcpy", "memmove", "memset", "memcmp")
SRAM, SIZE = 0x20000000, 64
OPTIONS = (
    "-O2",
    "-mcpu=cortex-m3",
    "-mthumb",
    "-ffreestanding",
    "-fno-tree-loop-distribute-patterns",
    "-nostdlib",
)
LAYOUT = ("-Wl,-e,memcpy", "-Wl,-Ttext=0x08000000", "-Wl,--defsym=stack_top=0x20005000")


@pytest.fixture(scope="module")
def chip(tmp_path_factory: pytest.TempPathFactory) -> RecordedChip:
    elf = tmp_path_factory.mktemp("runtime") / "runtime.elf"
    subprocess.run([str(COMPILER), *OPTIONS, *LAYOUT, str(RUNTIME), "-o", str(elf)], check=True)
    return RecordedChip(elf)


def fill(chip: RecordedChip, rng: random.Random) -> bytes:
    memory = bytes(rng.choices(range(4), k=SIZE))
    chip.core.mem_write(SRAM, memory)
    return memory


@pytest.mark.parametrize("seed", range(200))
def test_memory_after_a_call(chip: RecordedChip, seed: int) -> None:
    rng = random.Random(seed)
    memory = fill(chip, rng)
    size = rng.randrange(20)
    to, source = rng.randrange(SIZE - size), rng.randrange(SIZE - size)
    moved = memory[:to] + memory[source : source + size] + memory[to + size :]

    assert chip.call("memmove", SRAM + to, SRAM + source, size) == SRAM + to
    assert chip.core.mem_read(SRAM, SIZE) == moved

    if abs(to - source) >= size:
        chip.core.mem_write(SRAM, memory)
        assert chip.call("memcpy", SRAM + to, SRAM + source, size) == SRAM + to
        assert chip.core.mem_read(SRAM, SIZE) == moved

    chip.core.mem_write(SRAM, memory)
    assert chip.call("memset", SRAM + to, 0x155, size) == SRAM + to
    assert chip.core.mem_read(SRAM, SIZE) == memory[:to] + b"\x55" * size + memory[to + size :]

    chip.core.mem_write(SRAM, memory)
    left, right = memory[to : to + size], memory[source : source + size]
    expected = (left > right) - (left < right)
    assert chip.call("memcmp", SRAM + to, SRAM + source, size) == expected & 0xFFFFFFFF


def test_memmove_does_not_call_memcpy_whose_arguments_may_not_overlap() -> None:
    body = RUNTIME.read_text().split("void *memmove", 2)[2].split("\n}\n")[0]

    assert "out[size] = in[size]" in body and "memcpy" not in body
