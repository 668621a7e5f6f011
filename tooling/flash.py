"""Writing the firmware into a real board with stlink's st-flash."""

import re
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.paths import shown
from compiler.target import memories
from tooling import processes
from tooling.setup import tools

_LIMIT = 120.0

_DIFFERS = (
    "The chip's flash does not hold what was written: try again with short wires; "
    "if it stays so, the flash is worn out or the chip a clone."
)

# What st-flash prints (stlink 1.5 to 1.8), and the sentence that a user needs; the first that fits counts.
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
        "The ST-Link is there, but cannot tell what chip it is: check the wires (SWDIO, SWCLK, GND, 3V3), "
        "hold RESET while starting or type './inv flash --under-reset'; a clone of the STM32F103 that still "
        "fails can be flashed with stm32loader over USART1."
    ),
    r"(failed to|can ?not) connect to target|failed to halt the core|failed to enter SWD mode": (
        "The ST-Link is there, but no chip answers: check the wires (SWDIO, SWCLK, GND, 3V3), "
        "hold RESET while starting or type './inv flash --under-reset'."
    ),
    r"write protected|failed to unlock flash": (
        "The chip's flash is write-protected: remove the protection with ST's programmer, then try again."
    ),
    r"verification of flash failed": _DIFFERS,
}


@dataclass(frozen=True)
class Image:
    """A firmware as it is written, and what its vector table says."""

    path: Path
    size: int
    stack_pointer: int
    reset_vector: int


def check_image(path: Path) -> Image:
    """The image in a .bin file. Raises UserError when it is not one that this chip can start."""
    flash, sram = memories()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{shown(path)} cannot be read ({error.strerror}): type './inv build'.") from None
    if len(content) < 8:
        raise UserError(f"{shown(path)} is too short to hold a vector table: type './inv build'.")
    if len(content) > flash.length:
        raise UserError(
            f"{shown(path)} is {len(content):,} bytes long, and the chip's flash holds {flash.length:,}: "
            "choose a smaller model."
        )
    # ARMv7-M Architecture Reference Manual B1.5.3: word 0 is the initial stack pointer, word 1 the reset
    # vector.
    stack_pointer, reset = struct.unpack_from("<II", content)
    if stack_pointer - 4 not in sram or stack_pointer % 4:
        raise UserError(
            f"{shown(path)} is no image for this chip: stack pointer {stack_pointer:#010x} is not in SRAM."
        )
    if not reset & 1 or reset - 1 not in range(flash.origin, flash.origin + len(content)):
        raise UserError(
            f"{shown(path)} is no image for this chip: the reset vector {reset:#010x} is not code in it."
        )
    return Image(path, len(content), stack_pointer, reset)


def flash(path: Path, *, dry_run: bool = False, under_reset: bool = False) -> None:
    """Write an image at the beginning of flash, read it back and compare, and reset the chip.

    `under_reset` holds the chip in reset while connecting, which needs the probe's NRST wire. With `dry_run`
    it only checks the image and prints what it would do. Raises UserError when anything stands in the way.
    """
    image = check_image(path)
    memory, _ = memories()
    print(
        f"{shown(image.path)}: {image.size:,} bytes, stack pointer {image.stack_pointer:#010x}, "
        f"reset vector {image.reset_vector:#010x}"
    )
    # Without --flash st-flash asks the chip, and clones answer nonsense.
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
