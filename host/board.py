"""A board that classifies images."""

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from host import link
from host.errors import BadImage
from host.records import Info, Prediction, describe_shape
from host.session import Request, Session, info_request
from host.streams import open_port


class Board(Session):
    """The client of one board: greets it, asks what it is, and has it classify images."""

    @classmethod
    def open(
        cls,
        url: str,
        baud: int = link.DEFAULT_BAUD,
        timeout: float = 5.0,
        *,
        attempts: int = 3,
        boot_timeout: float = 5.0,
        on_retry: Callable[[str], None] | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> "Board":
        """Opens the port at `url` (see `open_port`) and waits until a board with this link answers.

        `baud`: the rate to change to after that (see `change_baud`). `boot_timeout`: seconds to wait for the
        first answer. Other parameters as for `Session`. Raises `PortError`, `NoAnswer`, `NotThisFirmware`,
        `UnsupportedVersion` or `UnsupportedBaud`, with the port closed.
        """
        board = cls(
            open_port(url), name=url, timeout=timeout, attempts=attempts, on_retry=on_retry, on_line=on_line
        )
        try:
            board.greet(boot_timeout)
            if baud != link.DEFAULT_BAUD:
                board.change_baud(baud)
        except BaseException:
            board.close()
            raise
        return board

    def __enter__(self) -> "Board":
        return self

    def info(self) -> Info:
        """What the board says about itself. Raises `UnsupportedVersion`, or as `ask`."""
        return self.ask(info_request())

    def classify(self, image: npt.ArrayLike | bytes | bytearray) -> Prediction:
        """The board's prediction for an image.

        `image`: integers from 0 to 255 in the board's shape (`Info.shape`), without the channel if there is
        only one, or flat in the order channel, row, column; or the same as bytes. Raises `BadImage`, or as
        `ask`.
        """
        info = self.known_info or self.info()
        request = Request(
            link.Command.CLASSIFY,
            _pixels(image, info),
            "result",
            lambda message, checksum: Prediction.from_message(message, checksum, info.class_names),
        )
        started = self.connection.now()
        prediction = self.ask(request)
        return dataclasses.replace(
            prediction, seconds=self.connection.now() - started, retries=tuple(request.retries)
        )


def _pixels(image: npt.ArrayLike | bytes | bytearray, info: Info) -> bytes:
    """The bytes of an image, as a board takes them. Raises `BadImage`."""
    expected = f"the board takes {describe_shape(info.shape)} integers from 0 to 255"
    try:
        array = np.frombuffer(image, np.uint8) if isinstance(image, bytes | bytearray) else np.asarray(image)
    except (TypeError, ValueError) as error:
        raise BadImage(f"This is not an image: {expected}.") from error
    without_channel = info.shape[1:] if info.channels == 1 else info.shape
    if array.shape not in {info.shape, without_channel, (info.image_bytes,)}:
        raise BadImage(f"This image has the shape {array.shape}: {expected}.")
    if array.dtype.kind not in "iu":
        raise BadImage(f"This image has values of type {array.dtype}: {expected}.")
    if array.min() < 0 or array.max() > 255:
        raise BadImage(f"This image has values from {array.min()} to {array.max()}: {expected}.")
    return array.astype(np.uint8).tobytes()
