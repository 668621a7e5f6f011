"""The window, on a tkinter that records what would be shown."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from common.errors import UserError
from host.records import Prediction
from host.show import window
from host.show.terminal import draw_bars

PREDICTION = Prediction(2, "2", (-5, 3, 9), 31845, 12345, sequence=3)
IMAGE = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
NAMES = tuple("012")


class FakeTk:
    """The part of tkinter that the window uses. `root`, `labels` and `photos` hold what was made."""

    class TclError(Exception):
        pass

    def __init__(self) -> None:
        self.heading = ""
        self.labels: list[dict[str, Any]] = []
        self.photos: list[tuple[bytes, int]] = []
        self.updates = 0
        self.destroyed = False
        self.on_update: Callable[[], None] = lambda: None

    def Tk(self) -> "FakeTk":
        return self

    def title(self, text: str) -> None:
        self.heading = text

    def update(self) -> None:
        self.updates += 1
        self.on_update()

    def winfo_exists(self) -> bool:
        return not self.destroyed

    def destroy(self) -> None:
        if self.destroyed:
            raise self.TclError("application has been destroyed")
        self.destroyed = True

    def PhotoImage(self, *, master: "FakeTk", data: bytes) -> Any:
        assert master is self
        photos = self.photos

        class Photo:
            def zoom(self, factor: int) -> "Photo":
                photos.append((data, factor))
                return self

        return Photo()

    def Label(self, master: "FakeTk", **options: Any) -> Any:
        assert master is self
        labels = self.labels

        class Label(dict[str, Any]):
            def pack(self, **_: Any) -> None:
                labels.append(self)

        return Label(options)


@pytest.fixture
def tk(monkeypatch: pytest.MonkeyPatch) -> FakeTk:
    fake = FakeTk()
    monkeypatch.setattr(window, "tkinter", fake)
    return fake


def test_the_digit_is_shown_immediately(tk: FakeTk) -> None:
    window.DigitWindow(IMAGE, "Test image 3, a 7")
    assert tk.heading == "Test image 3, a 7"
    grey = bytes(value for value in range(6) for _ in range(3))
    assert tk.photos == [(b"P6 3 2 255\n" + grey, 12)]
    assert tk.labels[0]["image"] and "text" not in tk.labels[1] and tk.updates == 1


def test_the_prediction_is_shown_until_the_user_closes_the_window(tk: FakeTk) -> None:
    shown = window.DigitWindow(IMAGE, "title")

    def close_later() -> None:
        tk.destroyed = tk.updates > 3

    tk.on_update = close_later
    shown.show(PREDICTION, NAMES, 0.5)
    bars = draw_bars(PREDICTION.logits, 2, NAMES, 0.5, width=24).plain
    assert tk.labels[1]["text"] == f"Predicted class: 2\n\n{bars}"
    assert tk.labels[1]["font"] == "TkFixedFont" and tk.labels[1]["justify"] == "left"
    assert tk.updates == 4
    shown.close()


def test_a_window_that_is_closed_during_an_update_ends_it(tk: FakeTk) -> None:
    shown = window.DigitWindow(IMAGE, "title")

    def fail() -> None:
        raise tk.TclError("application has been destroyed")

    tk.on_update = fail
    shown.show(PREDICTION, NAMES, None)


@pytest.mark.skipif(sys.platform != "linux", reason="only X11 runs without a display")
def test_a_window_without_a_display_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tkinter")
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(UserError, match="no display"):
        window.DigitWindow(IMAGE, "nothing")


def test_a_window_without_tkinter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "tkinter", None)
    with pytest.raises(UserError, match="python3-tk"):
        window.DigitWindow(IMAGE, "nothing")
