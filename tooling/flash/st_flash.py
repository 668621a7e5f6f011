"""Writing the firmware into a real board with an ST-Link and stlink's st-flash."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from common.errors import UserError
from common.paths import shown
from compiler.target import memories
from tooling import processes
from tooling.flash.image import Image, check_image
from tooling.setup import tools

_LIMIT = 120.0

_DIFFERS = (
    "The chip's flash does not hold what was written: try again with short wires; "
    "if that does not help, the flash is worn out or the chip is a clone."
)

# What st-flash prints (stlink 1.5 to 1.8), and the sentence for the user; the first match counts.
_REASONS = {
    r"LIBUSB_ERROR_ACCESS|access error|permission denied": (
        "You may not use the ST-Link: unplug it, install stlink's udev rules "
        "(Debian: 'sudo apt-get install stlink-tools' brings them), plug it in again."
    ),
    r"LIBUSB_ERROR_BUSY|unable to claim": (
        "The ST-Link is in use by another program (a debugger, OpenOCD): end that and try again."
    ),
    r"couldn't find any ST-Link": "No ST-Link was found: plug the probe in and try again.",
    r"unknown chip ?id|unrecognized flash type": (
        "The ST-Link was found, but does not know the chip: check the wires (SWDIO, SWCLK, GND, 3V3), "
        "hold RESET while starting or type './inv flash --under-reset'; if a clone of the STM32F103 still "
        "fails, flash it with stm32loader over USART1."
    ),
    r"(failed to|can ?not) connect to target|failed to halt the core|failed to enter SWD mode": (
        "The ST-Link was found, but no chip answers: check the wires (SWDIO, SWCLK, GND, 3V3), "
        "hold RESET while starting or type './inv flash --under-reset'."
    ),
    r"write protected|failed to unlock flash": (
        "The chip's flash is write-protected: remove the protection with ST's programmer, then try again."
    ),
    r"verification of flash failed": _DIFFERS,
}


def flash(path: Path, *, dry_run: bool = False, under_reset: bool = False) -> None:
    """Write an image to the start of flash, read it back, compare, and reset the chip.

    `under_reset` holds the chip in reset while connecting, which needs the probe's NRST wire. `dry_run` only
    checks the image and prints the commands. Raises UserError if anything fails.
    """
    image = check_image(path)
    memory, _ = memories()
    print(
        f"{shown(image.path)}: {image.size:,} bytes, stack pointer {image.stack_pointer:#010x}, "
        f"reset vector {image.reset_vector:#010x}"
    )
    # Without --flash st-flash asks the chip for its size, and clones give wrong answers.
    options = [f"--flash={memory.length // 1024}k", *(["--connect-under-reset"] if under_reset else [])]
    address = f"{memory.origin:#010x}"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "read-back.bin"
        commands: list[tuple[str, list[str | Path]]] = [
            ("writing", [*options, "write", image.path, address]),
            ("reading back", [*options, "read", copy, address, str(image.size)]),
            ("resetting", [*options, "reset"]),
        ]
        if dry_run:
            for what, arguments in commands:
                print(f"{what}: st-flash {' '.join(map(str, arguments))}")
            return
        tools.require(tools.ST_FLASH)
        for what, arguments in commands:
            print(what, flush=True)
            _st_flash(what, arguments)
            if what == "reading back":
                _compare(copy, image)
    print("written, verified and started")


def _compare(copy: Path, image: Image) -> None:
    """Raises UserError if the chip's flash, read into `copy`, does not hold the image."""
    try:
        content = copy.read_bytes()
    except OSError:
        raise UserError(
            "st-flash reported success, but did not write what it read from the chip: "
            "type 'st-flash --version', and update stlink if it is older than 1.5."
        ) from None
    if content[: image.size] != image.path.read_bytes():
        raise UserError(_DIFFERS)


def _st_flash(what: str, arguments: list[str | Path]) -> None:
    finished = processes.run(["st-flash", *arguments], timeout=_LIMIT, capture=True)
    if finished.status == 0:
        return
    for pattern, sentence in _REASONS.items():
        if re.search(pattern, finished.output, re.IGNORECASE):
            raise UserError(sentence)
    last = next(
        (line for line in reversed(finished.output.splitlines()) if line.strip()), f"status {finished.status}"
    )
    raise UserError(
        f"st-flash failed while {what} ({last.strip().rstrip('.')}): check probe and wires, then try again."
    )
