"""`infer`: which digit, and which board."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt
from serial.tools import list_ports

from common.errors import UserError
from common.paths import MODELS
from compiler.model_file import load
from data.mnist import load_test_set
from host.show.infer import infer
from host.show.pictures import read_png
from tooling import build
from tooling.simulate import running


def run(image: str, port: str, *, window: bool, baud: int) -> None:
    """Send a digit to the board at `port`, or at the one there is, and show what it says.

    `image` is an index into the test set or a PNG's path. Raises UserError, UserError or BoardError.
    """
    pixels, title = _digit(image)
    port = port or the_port()
    # Of the simulators only Renode has the cycle counter, and it counts instructions.
    counted = "instructions" if running.is_at(port) else "cycles"
    infer(port, pixels, title, _logit_scales(), window=window, baud=baud, counted=counted)


def the_port() -> str:
    """The port to talk to when none was named: the running simulation, else the only USB serial adapter."""
    if simulated := running.url():
        return simulated
    adapters = sorted(port.device for port in list_ports.comports() if port.vid is not None)
    if len(adapters) == 1:
        return str(adapters[0])
    if adapters:
        raise UserError(f"There is more than one serial adapter: choose with --port ({', '.join(adapters)}).")
    raise UserError(
        "There is no board: type './inv sim' in another terminal, or plug a USB serial adapter in."
    )


def _digit(image: str) -> tuple[npt.NDArray[np.uint8], str]:
    if not image.isdecimal():
        return read_png(Path(image)), image
    digits = load_test_set()
    index = int(image)
    digits.require(index)
    return digits.images[index], f"Test image {index}, a {digits.labels[index]}"


def _logit_scales() -> dict[int, float]:
    """The scale of the logits of each network that this clone has, by its checksum."""
    paths = {*MODELS.glob("*.npz"), *build.exported_models()}
    scales = {}
    for path in paths:
        with suppress(UserError):  # a broken one is for whoever builds it to hear of
            model = load(path)
            scales[model.checksum] = model.logit_scale
    return scales
