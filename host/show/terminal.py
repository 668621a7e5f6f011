"""A digit and its prediction as text: in colour, in block characters or in ASCII, as the output allows."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

# One character shows two pixels, one above the other; its index is 2 * (upper is ink) + (lower is ink).
_HALF_BLOCKS = " ▄▀█"
_INK = 96
_BLOCKS = "▏▎▍▌▋▊▉█"  # one to eight eighths of a character
_SHADES = " .:-=+*#%@"
_PREDICTED = Style(bold=True, color="green")


def make_console() -> Console:
    """A console that writes text to standard output unchanged."""
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def draw_digit(image: npt.NDArray[np.uint8], console: Console) -> Text:
    """The image, two rows a line: in colours or greys, or without them with ink in the text colour.

    `image`: uint8 (channels, rows, columns), 0 is background.
    """
    if image.shape[1] % 2:
        image = np.pad(image, ((0, 0), (0, 1), (0, 0)))
    colours = np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)
    grey = np.rint(image.mean(axis=0)).astype(np.uint8)
    upper, lower = grey[0::2], grey[1::2]
    if is_plain(console):
        # The brighter of the two: a mean would lose thin horizontal strokes.
        brightness = np.maximum(upper, lower).astype(int)
        return _lines(np.array(list(_SHADES))[brightness * len(_SHADES) // 256])
    if not _has_greys(console):
        return _lines(np.array(list(_HALF_BLOCKS))[2 * (upper >= _INK).astype(int) + (lower >= _INK)])
    return Text("\n").join(
        Text.assemble(
            *(
                ("▀" * len(list(run)), Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below)))
                for (above, below), run in itertools.groupby(zip(*rows, strict=True))
            )
        )
        for rows in zip(colours[0::2].tolist(), colours[1::2].tolist(), strict=True)
    )


def draw_bars(
    logits: Sequence[int],
    label: int,
    names: Sequence[str],
    scale: float | None = None,
    *,
    plain: bool = False,
    width: int = 40,
) -> Text:
    """One line with a bar for each class, with the predicted one marked.

    `scale`: real logit of an integer logit 1. With it the bars show probabilities (softmax); without it they
    show the logits between the smallest and the largest. `names`: of the classes. `plain`: only ASCII.
    `width`: of a full bar, in characters.
    """
    if scale is None:
        low, span = min(logits), max(max(logits) - min(logits), 1)
        fractions = [(logit - low) / span for logit in logits]
        values = [str(logit) for logit in logits]
    else:
        fractions = list(softmax(logits, scale))
        values = [f"{fraction:.1%}" for fraction in fractions]
    widest, longest = max(map(len, values)), max(map(len, names))
    lines = []
    for number, (name, fraction, value) in enumerate(zip(names, fractions, values, strict=True)):
        line = f"{name:<{longest}} {_bar(fraction, width, plain)} {value:>{widest}}"
        lines.append(Text(f"{line}  <-- predicted", _PREDICTED) if number == label else Text(line))
    return Text("\n").join(lines)


def softmax(logits: Sequence[int], scale: float) -> tuple[float, ...]:
    """The probability of each class. `scale`: real logit of an integer logit 1."""
    largest = max(logits)
    powers = [math.exp((logit - largest) * scale) for logit in logits]
    return tuple(power / sum(powers) for power in powers)


def is_plain(console: Console) -> bool:
    """Whether the console can show only ASCII."""
    try:
        (_HALF_BLOCKS + _BLOCKS).encode(console.encoding)
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def _has_greys(console: Console) -> bool:
    # The 16 colours of other terminals have two greys, which themes redefine.
    return console.color_system in ("256", "truecolor") and not console.no_color


def _lines(characters: npt.NDArray[np.str_]) -> Text:
    return Text("\n".join("".join(row) for row in characters))


def _bar(fraction: float, width: int, plain: bool) -> str:
    if plain:
        return ("#" * round(fraction * width)).ljust(width)
    whole, eighths = divmod(round(fraction * width * 8), 8)
    return (_BLOCKS[-1] * whole + (_BLOCKS[eighths - 1] if eighths else "")).ljust(width)
