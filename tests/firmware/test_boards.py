"""Each board with a chip builds, lights its own LED, and answers."""

import shutil
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from compiler import model_file, reference
from data.mnist import load_test_set
from host.board import Board
from tooling import build
from tooling.simulate import qemu

unicorn = pytest.importorskip("unicorn")
from unicorn import arm_const as arm  # noqa: E402

pytestmark = pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")

CHIP_BOARDS = [name for name, board in build.BOARDS.items() if board.has_chip]
LED = {
    "bluepill": (0x40011010, 13),
    "blackpill": (0x40010C10, 12),
}  # its port's BSRR (RM0008, 9.2.5), its pin
RETURN = 0x0FFFF000


def writes_of(elf_file: Path, function: str, argument: int) -> list[tuple[int, int]]:
    """What a function of the firmware writes to peripherals: addresses and values."""
    writes: list[tuple[int, int]] = []
    chip = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
    for start, size in ((0x08000000, 0x10000), (0x20000000, 0x5000), (RETURN, 0x1000)):
        chip.mem_map(start, size)
    chip.mmio_map(
        0x40000000,
        0x30000,
        lambda *_: 0,
        None,
        lambda _c, at, _s, value, _d: writes.append((at, value)),
        None,
    )
    with elf_file.open("rb") as file:
        elf = ELFFile(file)
        for segment in elf.iter_segments("PT_LOAD"):
            chip.mem_write(segment["p_paddr"], segment.data())
        [symbol] = elf.get_section_by_name(".symtab").get_symbol_by_name(function)
    chip.reg_write(arm.UC_ARM_REG_SP, 0x20000400)
    chip.reg_write(arm.UC_ARM_REG_LR, RETURN | 1)
    chip.reg_write(arm.UC_ARM_REG_R0, argument)
    chip.emu_start(symbol["st_value"] | 1, RETURN)
    return [(0x40000000 + at, value) for at, value in writes]


def test_every_board_is_checked() -> None:
    assert sorted(CHIP_BOARDS) == sorted(LED)


@pytest.mark.parametrize("name", CHIP_BOARDS)
def test_the_led_is_the_boards(name: str) -> None:
    build.build(name)
    bsrr, pin = LED[name]

    assert writes_of(build.image(name), "board_led", True) == [(bsrr, 1 << (pin + 16))]
    assert writes_of(build.image(name), "board_led", False) == [(bsrr, 1 << pin)]


@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="needs qemu-system-arm")
@pytest.mark.parametrize("name", sorted(set(CHIP_BOARDS) - {build.BLUEPILL}))
def test_another_board_answers_as_the_reference(name: str) -> None:
    build.build(name)
    image = load_test_set().images[0]

    with (
        qemu.start(build.image(name)) as simulation,
        Board.open(simulation.url, boot_timeout=20) as board,
    ):
        logits = board.classify(image).logits

    assert logits == tuple(reference.run(model_file.load(build.model_file()), image[None])[0].tolist())
