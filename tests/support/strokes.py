"""The strokes of a digit, for tests that draw like a person."""

from __future__ import annotations

import numpy as np
from skimage.morphology import skeletonize

Stroke = list[tuple[float, float]]


def strokes_of(image: np.ndarray) -> list[Stroke]:
    """Lines along the middle of the ink: points (x, y) from 0 to 1. `image`: uint8 (rows, columns)."""
    rows, columns = image.shape
    left = {(int(y), int(x)) for y, x in np.argwhere(skeletonize(image > 96))}
    strokes: list[Stroke] = []
    while left:
        # An end of a line has one neighbour; a closed loop has none, and any point will do.
        start = min(left, key=lambda point: (len(_neighbours(point, left)), point))
        line = [start]
        left.remove(start)
        while following := _neighbours(line[-1], left):
            line.append(following[0])
            left.remove(following[0])
        strokes.append([((x + 0.5) / columns, (y + 0.5) / rows) for y, x in line])
    # Spurs of one pixel come from the skeleton, not from the pen.
    return [stroke for stroke in strokes if len(stroke) > 1] or strokes[:1]


def _neighbours(point: tuple[int, int], among: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """The points next to one, the nearest first."""
    y, x = point
    around = [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if dy or dx]
    return sorted((other for other in around if other in among), key=lambda o: abs(o[0] - y) + abs(o[1] - x))
