"""The programs of firmware/chips/stm32f103/programs on the simulated chip, wired as they say."""

import shutil
import subprocess
from pathlib import Path

import pytest
from simulated_chip import SimulatedChip

from common.paths import CHIPS

CHIP = CHIPS / "stm32f103"
PROGRAMS = CHIP / "programs"
COMPILER = "arm-none-eabi-gcc"

# What is connected, as Renode's monitor and platform descriptions say it.
WIRES = {
    "timer": ["gpioPortA: { 0 -> gpioPortA@6 }"],
    "exti": ["gpioPortA: { 1 -> gpioPortA@0 }"],
    "i2c": ["slave: Mocks.EchoI2CDevice @ i2c1 0x42"],
}
COMMANDS = {"spi": ["spi1 LoopbackWire true"]}
SECONDS = {"window_watchdog": 1.0, "i2c": 0.3}


def compiled(source: Path, folder: Path) -> Path:
    if shutil.which(COMPILER) is None:
        pytest.skip(f"{COMPILER} is not installed: type './inv setup'.")
    elf = folder / f"{source.stem}.elf"
    options = (
        "-mcpu=cortex-m3 -mthumb -O1 -std=c11 -ffreestanding -nostdlib -Wall -Wextra -Wconversion -Werror"
    )
    scripts = [f"-T{CHIP / 'memory' / 'stm32f103c8.ld'}", f"-T{PROGRAMS / 'program.ld'}"]
    files = [PROGRAMS / "program.c", source]
    subprocess.run(
        [COMPILER, *options.split(), f"-I{CHIP}", f"-I{PROGRAMS}", *scripts, *files, "-o", elf],
        check=True,
        capture_output=True,
    )
    return elf


def start(chip: SimulatedChip, elf: Path, output: Path) -> None:
    chip.command(f"sysbus LoadELF @{elf}")
    chip.command(f"sysbus.usart1 CreateFileBackend @{output} true")
    chip.command("cpu IsHalted false")


ALONE = [path for path in sorted(PROGRAMS.glob("*/*.c")) if path.stem != "can"]


@pytest.mark.parametrize("source", ALONE, ids=lambda path: path.stem)
def test_a_program_finds_its_peripheral_as_the_manual_says(
    chip: SimulatedChip, tmp_path: Path, source: Path
) -> None:
    for wire in WIRES.get(source.stem, []):
        chip.command(f'machine LoadPlatformDescriptionFromString "{wire}"')
    for command in COMMANDS.get(source.stem, []):
        chip.command(command)
    start(chip, compiled(source, tmp_path), tmp_path / "output.txt")
    chip.run(SECONDS.get(source.stem, 0.2))
    assert (tmp_path / "output.txt").read_text() == "ok\n"
    assert "[ERROR]" not in chip.log() or source.stem in {"dma", "flash"}  # they provoke one


def test_two_boards_on_a_can_bus_hear_each_other(chip: SimulatedChip, tmp_path: Path) -> None:
    elf = compiled(PROGRAMS / "buses" / "can.c", tmp_path)
    chip.command('emulation CreateCANHub "can"')
    chip.command("connector Connect sysbus.can1 can")
    start(chip, elf, tmp_path / "first.txt")
    chip.add_board("second")
    chip.command("connector Connect sysbus.can1 can")
    start(chip, elf, tmp_path / "second.txt")
    chip.run(0.3)
    assert (tmp_path / "first.txt").read_text() == "ok\n"
    assert (tmp_path / "second.txt").read_text() == "ok\n"
