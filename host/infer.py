"""What `invoke infer` does: shows a digit, has a board classify it, and shows what it says."""

import contextlib
import sys
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from host.board import Board, Info, Prediction
from host.link import DEFAULT_BAUD
from host.picture import draw_bars, draw_digit, is_plain, shares
from host.window import DigitWindow


def infer(
    url: str,
    image: npt.NDArray[np.uint8],
    title: str,
    scales: Mapping[int, float],
    *,
    window: bool = False,
    baud: int = DEFAULT_BAUD,
    timeout: float = 5.0,
    counted: str = "cycles",
) -> Prediction:
    """Shows the digit, sends it to the board at `url` and prints its prediction and a bar per class.

    `image`: uint8 (28, 28), 0 is background. `title`: what the digit is, for the reader. `scales`: for each
    network that is known, by its CRC-32, the real logit of an integer logit 1. `window`: shows the digit in
    a window, and returns once that is closed. `baud`: the rate to change the link to. `counted`: what the
    board's counter counts. Raises `BoardError` where anything stands in the way.
    """
    plain = is_plain(sys.stdout)
    with _shown(image, title, window, plain) as digit_window:
        with Board.open(url, baud, timeout, on_retry=print) as board:
            info = board.info()
            prediction = board.classify(image)
        scale = scales.get(info.checksum)
        if scale is None:
            print(f"The board's {info.model} is not one of models/: these are its logits, not their shares.")
        print(describe(prediction, info, scale, counted))
        print(draw_bars(prediction.logits, prediction.label, scale, plain))
        if digit_window:
            digit_window.show(prediction, scale)
    return prediction


def describe(prediction: Prediction, info: Info, scale: float | None = None, counted: str = "cycles") -> str:
    """The prediction in one line, and what it took in another."""
    share = f" ({shares(prediction.logits, scale)[prediction.label]:.1%})" if scale is not None else ""
    took = f"Answered in {prediction.seconds * 1000:,.1f} ms"
    if prediction.cycles is not None and info.clock > 0:
        took += f", the network took {prediction.cycles:,} {counted}"
        if counted == "cycles":
            took += f" = {prediction.cycles / info.clock * 1000:.2f} ms at {info.clock / 1e6:g} MHz"
        if prediction.finish is not None:
            took += f", {prediction.finish:,} of them after the image had come"
    return f"Predicted class: {prediction.label}{share}, by {info.model} on firmware {info.firmware}\n{took}"


@contextlib.contextmanager
def _shown(
    image: npt.NDArray[np.uint8], title: str, window: bool, plain: bool
) -> Iterator[DigitWindow | None]:
    """The digit on display before it is sent; its window is gone afterwards, whatever happens."""
    if not window:
        print(f"{title}:\n{draw_digit(image, plain)}")
        yield None
        return
    digit_window = DigitWindow(image, title)
    try:
        yield digit_window
    finally:
        digit_window.close()
