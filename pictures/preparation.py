"""How a picture becomes pixels: a property of the model, the same in training and for the board."""

from __future__ import annotations

from dataclasses import dataclass

from common.errors import UserError

METHODS = ("mnist", "fit", "stretch")
POLARITIES = ("detect", "dark", "light")


@dataclass(frozen=True)
class Preparation:
    """The steps from a picture to pixels. Raises UserError for an unknown method or polarity.

    method: `mnist` cuts the ink out, scales it into 20 x 20 pixels of a 28 x 28 frame (other frames in
        proportion) and puts its centre of mass into the middle; `fit` scales the whole picture into the frame
        and keeps its aspect; `stretch` fills the frame.
    polarity: `dark` is dark ink on light paper, whose pixels are inverted; `light` leaves them as they are;
        `detect` decides for each picture by the brightness of its edge. Pictures in RGB are never inverted.
    """

    method: str = "mnist"
    polarity: str = "detect"

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UserError(f"A picture is prepared by {', '.join(METHODS)}, not by {self.method[:40]!r}.")
        if self.polarity not in POLARITIES:
            raise UserError(f"The polarity is {', '.join(POLARITIES)}, not {self.polarity[:40]!r}.")
