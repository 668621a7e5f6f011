"""Shows a digit, has a board classify it, and shows the prediction."""

import contextlib
from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
from rich.console import Console

from host.board import Board
from host.link import DEFAULT_BAUD
from host.records import Info, Prediction
from host.show.terminal import draw_bars, draw_digit, is_plain, make_console, softmax
from host.show.window import DigitWindow


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
    """Shows the digit, sends it to the board at `url`, and prints its prediction and a bar for each class.

    `image`: uint8 (28, 28), 0 is background. `title`: describes the image. `scales`: real logit of an integer
    logit 1, by the CRC-32 of each known network. `window`: show the digit in a window and return when the
    user closes it. `baud`: rate of the link. `counted`: unit of the cycle counter. Raises `BoardError`.
    """
    console = make_console()
    with _shown(image, title, console, window) as digit_window:
        with Board.open(url, baud, timeout, on_retry=console.print) as board:
            info = board.info()
            prediction = board.classify(image)
        scale = scales.get(info.checksum)
        if scale is None:
            console.print(
                f"No file in models/ has the checksum of the board's network {info.model}, so the bars show "
                "logits instead of probabilities."
            )
        console.print(describe(prediction, info, scale, counted))
        console.print(draw_bars(prediction.logits, prediction.label, scale, plain=is_plain(console)))
        if digit_window:
            digit_window.show(prediction, scale)
    return prediction


def describe(prediction: Prediction, info: Info, scale: float | None = None, counted: str = "cycles") -> str:
    """Two lines: the prediction, and the time it took."""
    share = f" ({softmax(prediction.logits, scale)[prediction.label]:.1%})" if scale is not None else ""
    time = f"Answered in {prediction.seconds * 1000:,.1f} ms"
    if prediction.cycles is not None and info.clock > 0:
        time += f", the network took {prediction.cycles:,} {counted}"
        if counted == "cycles":
            time += f" = {prediction.cycles / info.clock * 1000:.2f} ms at {info.clock / 1e6:g} MHz"
        if prediction.finish is not None:
            time += f", {prediction.finish:,} of them after the image had arrived"
    return f"Predicted class: {prediction.label}{share}, by {info.model} on firmware {info.firmware}\n{time}"


@contextlib.contextmanager
def _shown(
    image: npt.NDArray[np.uint8], title: str, console: Console, window: bool
) -> Iterator[DigitWindow | None]:
    """Shows the digit before it is sent; closes its window at the end."""
    if not window:
        console.print(f"{title}:")
        console.print(draw_digit(image, console))
        yield None
        return
    digit_window = DigitWindow(image, title)
    try:
        yield digit_window
    finally:
        digit_window.close()
