"""A digit and its prediction in a window."""

import contextlib
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from common.errors import UserError
from host.records import Prediction
from host.show.terminal import draw_bars

try:
    import tkinter
except ImportError:  # many systems package it separately from Python
    tkinter = None  # type: ignore[assignment]

_ZOOM = 12
_FRAME_SECONDS = 0.03


class DigitWindow:
    """A window that shows a digit immediately, and its prediction once the board has answered."""

    def __init__(self, image: npt.NDArray[np.uint8], title: str) -> None:
        """`image`: uint8 (channels, rows, columns). Raises UserError without tkinter or a display."""
        if tkinter is None:
            raise UserError(
                "A window needs Python's tkinter: install it (on Debian and Ubuntu, sudo apt install "
                "python3-tk), or leave out --window."
            )
        try:
            self._root = tkinter.Tk()
        except tkinter.TclError as error:
            raise UserError("There is no display to open a window on: leave out --window.") from error
        self._root.title(title)
        _, rows, cols = image.shape
        # Not every version of Tk reads greyscale PNM from memory; every version reads colour.
        pixels = np.broadcast_to(image, (3, rows, cols)).transpose(1, 2, 0).tobytes()
        small = tkinter.PhotoImage(master=self._root, data=b"P6 %d %d 255\n" % (cols, rows) + pixels)
        self._photo = small.zoom(_ZOOM)  # Tk keeps no reference to it
        tkinter.Label(self._root, image=self._photo).pack()
        self._text = tkinter.Label(self._root, font="TkFixedFont", justify="left")
        self._text.pack(padx=_ZOOM, pady=_ZOOM)
        self._root.update()

    def show(self, prediction: Prediction, names: Sequence[str], scale: float | None) -> None:
        """Shows the prediction and returns when the user closes the window."""
        bars = draw_bars(prediction.logits, prediction.label, names, scale, width=24)
        self._text["text"] = f"Predicted class: {prediction.name}\n\n{bars.plain}"
        # Tk's own main loop would delay Ctrl-C until the mouse moves.
        with contextlib.suppress(tkinter.TclError):
            while self._root.winfo_exists():
                self._root.update()
                time.sleep(_FRAME_SECONDS)

    def close(self) -> None:
        """Closes the window if it is still open."""
        with contextlib.suppress(tkinter.TclError):
            self._root.destroy()
