"""`infer`: which digit, and which board."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
from serial.tools import list_ports

from common.errors import UserError
from common.paths import model_files
from compiler.model_file import load
from data.mnist import load_test_set
from host.show.infer import infer
from pictures import PictureError, Preparation, prepare, read
from tooling import build
from tooling.simulate import running


def run(image: str, port: str, *, window: bool, baud: int) -> None:
    """Send a digit to the board at `port`, by default the only one, and show its answer.

    `image` is an index into the test set or a PNG's path. Raises UserError or BoardError.
    """
    pixels, title = _digit(image)
    port = port or the_port()
    # Of the simulators only Renode has the cycle counter, and it counts instructions.
    counted = "instructions" if running.is_at(port) else "cycles"
    infer(port, pixels, title, _logit_scales(), window=window, baud=baud, counted=counted)


def the_port() -> str:
    """The port of the running `sim`, or else of the only USB serial adapter. Raises UserError without one."""
    if simulated := running.url():
        return simulated
    adapters = sorted(port.device for port in list_ports.comports() if port.vid is not None)
    if len(adapters) == 1:
        return str(adapters[0])
    if adapters:
        raise UserError(f"There are several serial adapters: choose one with --port ({', '.join(adapters)}).")
    raise UserError(
        "There is no board: type './inv sim' in another terminal, or plug a USB serial adapter in."
    )


def _digit(image: str) -> tuple[npt.NDArray[np.uint8], str]:
    if not image.isdecimal():
        try:
            return prepare(read(Path(image)), Preparation(), (1, 28, 28))[0], image
        except PictureError as error:
            raise UserError(f"{image}: {error}") from None
    digits = load_test_set()
    index = int(image)
    digits.require(index)
    return digits.images[index, 0], f"Test image {index}, a {digits.labels[index]}"


def _logit_scales() -> dict[int, float]:
    """The scale of the logits of each network of this clone, by the network's checksum."""
    paths = {*model_files(), *build.exported_models()}
    scales = {}
    for path in paths:
        with suppress(UserError):  # a build of it reports a broken file
            model = load(path)
            scales[model.checksum] = model.logit_scale
    return scales
