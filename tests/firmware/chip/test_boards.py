"""Each board with a chip builds, lights its own LED, and answers."""

import shutil
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("unicorn")
from recorded_chip import RecordedChip

from common.paths import FIRMWARE
from compiler import model_file, reference
from data.mnist import load_test_set
from host.board import Board
from tooling import build
from tooling.simulate import qemu

pytestmark = pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="needs arm-none-eabi-gcc")

CHIP_BOARDS = [name for name, board in build.BOARDS.items() if board.has_chip]
LED = {
    "bluepill": (0x40011010, 13),
    "blackpill": (0x40010C10, 12),
    "qemu": (0x40011010, 13),
}  # its port's BSRR (RM0008, 9.2.5), its pin


def test_every_board_is_checked() -> None:
    assert sorted(CHIP_BOARDS) == sorted(LED)


@pytest.mark.parametrize("name", CHIP_BOARDS)
def test_the_led_is_the_boards(name: str) -> None:
    build.build(name)
    bsrr, pin = LED[name]

    chip = RecordedChip(build.image(name))
    chip.call("board_led", True)
    chip.call("board_led", False)
    assert chip.writes == [(bsrr, 1 << (pin + 16)), (bsrr, 1 << pin)]


@pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="needs qemu-system-arm")
@pytest.mark.parametrize("name", sorted(set(CHIP_BOARDS) - {build.BLUEPILL}))
def test_another_board_answers_as_the_reference(name: str, tmp_path: Path) -> None:
    """With the kernels that QEMU's SRAM has room for."""
    build.build(build.QEMU_BOARD)
    options = [f"-DBOARD={name}", f"-DGENERATED_DIR={build.generated(board_name=build.QEMU_BOARD)}"]
    subprocess.run(["cmake", "--preset", "bluepill", "-B", tmp_path, *options], cwd=FIRMWARE, check=True)
    subprocess.run(["cmake", "--build", tmp_path], check=True)
    image = load_test_set().images[0]

    with (
        qemu.start(tmp_path / "firmware.elf") as simulation,
        Board.open(simulation.url, boot_timeout=20) as board,
    ):
        logits = board.classify(image).logits

    assert logits == tuple(reference.run(model_file.load(build.model_file()), image[None])[0].tolist())
