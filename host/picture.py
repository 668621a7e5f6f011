"""The digit and the board's opinion of it, as text for a terminal."""

import math
from collections.abc import Sequence
from typing import TextIO

import numpy as np
import numpy.typing as npt

# One character shows two pixels, one above the other; its index is 2 * (upper is ink) + (lower is ink).
_HALF_BLOCKS = " ▄▀█"
_INK = 96
_BLOCKS = "▏▎▍▌▋▊▉█"  # one to eight eighths of a character
_SHADES = " .:-=+*#%@"


def is_plain(out: TextIO) -> bool:
    """Whether only ASCII can be written to `out`."""
    try:
        (_HALF_BLOCKS + _BLOCKS).encode(out.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def draw_digit(image: npt.NDArray[np.uint8], plain: bool = False) -> str:
    """The digit in 14 lines of 28 characters, ink in the terminal's text colour.

    `image`: uint8 (28, 28), 0 is background. `plain`: ASCII only, where shades stand for ink.
    """
    upper, lower = image[0::2].astype(int), image[1::2].astype(int)
    if plain:
        # The brighter of the two: a mean would lose thin horizontal strokes.
        characters = np.array(list(_SHADES))[np.maximum(upper, lower) * len(_SHADES) // 256]
    else:
        characters = np.array(list(_HALF_BLOCKS))[2 * (upper >= _INK) + (lower >= _INK)]
    return "\n".join("".join(row) for row in characters)


def shares(logits: Sequence[int], scale: float) -> tuple[float, ...]:
    """The softmax of the real logits, which are the integers times `scale`: one for each class, sum 1."""
    largest = max(logits)
    powers = [math.exp((logit - largest) * scale) for logit in logits]
    return tuple(power / sum(powers) for power in powers)


def draw_bars(
    logits: Sequence[int], label: int, scale: float | None = None, plain: bool = False, width: int = 40
) -> str:
    """One line with a bar for each class, the predicted one marked.

    `scale`: the model's real logit of an integer logit 1; with it the bars are the classes' shares
    (softmax), without it they show the bare logits between the smallest and the largest.
    """
    if scale is None:
        low, span = min(logits), max(max(logits) - min(logits), 1)
        fractions = [(logit - low) / span for logit in logits]
        values = [str(logit) for logit in logits]
    else:
        fractions = list(shares(logits, scale))
        values = [f"{share:.1%}" for share in fractions]
    widest = max(map(len, values))
    mark = "  <-- predicted"
    return "\n".join(
        f"{number} {_bar(fraction, width, plain)} {value:>{widest}}{mark if number == label else ''}"
        for number, (fraction, value) in enumerate(zip(fractions, values, strict=True))
    )


def _bar(fraction: float, width: int, plain: bool) -> str:
    if plain:
        return ("#" * round(fraction * width)).ljust(width)
    whole, eighths = divmod(round(fraction * width * 8), 8)
    return (_BLOCKS[-1] * whole + (_BLOCKS[eighths - 1] if eighths else "")).ljust(width)
