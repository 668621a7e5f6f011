"""The digit and the board's opinion of it in a window."""

import contextlib
import time

import numpy as np
import numpy.typing as npt

from host.board import Prediction
from host.errors import PictureError
from host.picture import draw_bars

try:
    import tkinter
except ImportError:  # many systems package it apart from Python
    tkinter = None  # type: ignore[assignment]

_ZOOM = 12
_FRAME_SECONDS = 0.03


class DigitWindow:
    """A window that shows a digit at once, and what the board says about it once that is known."""

    def __init__(self, image: npt.NDArray[np.uint8], title: str) -> None:
        """`image`: uint8 (28, 28). Raises `PictureError` where there is no tkinter or no display."""
        if tkinter is None:
            raise PictureError(
                "A window needs Python's tkinter: install it (on Debian and Ubuntu, sudo apt install "
                "python3-tk), or leave out --window."
            )
        try:
            self._root = tkinter.Tk()
        except tkinter.TclError as error:
            raise PictureError("There is no display to open a window on: leave out --window.") from error
        self._root.title(title)
        rows, cols = image.shape
        # Tk reads no greyscale PNM from memory in all versions, but colour in all.
        pixels = np.repeat(image.reshape(-1), 3).tobytes()
        small = tkinter.PhotoImage(master=self._root, data=b"P6 %d %d 255\n" % (cols, rows) + pixels)
        self._photo = small.zoom(_ZOOM)  # Tk keeps no reference of its own
        tkinter.Label(self._root, image=self._photo).pack()
        self._text = tkinter.Label(self._root, font="TkFixedFont", justify="left")
        self._text.pack(padx=_ZOOM, pady=_ZOOM)
        self._root.update()

    def show(self, prediction: Prediction, scale: float | None) -> None:
        """Shows the prediction, and returns when the user closes the window."""
        bars = draw_bars(prediction.logits, prediction.label, scale, width=24)
        self._text["text"] = f"Predicted class: {prediction.label}\n\n{bars}"
        # Tk's own main loop would hold back Ctrl-C until the mouse moves.
        with contextlib.suppress(tkinter.TclError):
            while self._root.winfo_exists():
                self._root.update()
                time.sleep(_FRAME_SECONDS)

    def close(self) -> None:
        """Closes the window, if the user has not."""
        with contextlib.suppress(tkinter.TclError):
            self._root.destroy()
