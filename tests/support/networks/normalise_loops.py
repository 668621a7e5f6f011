"""Local normalisation in plain loops, for comparison with the reference."""

from __future__ import annotations

from functools import cache

import numpy as np


def by_loops(image: np.ndarray, span: int) -> list[list[int]]:
    """The normalised image, in Python's own integers. image: uint8 (rows, columns)."""
    rows, columns = image.shape
    pixels: list[list[int]] = image.tolist()
    cells = (-(-rows // 4), -(-columns // 4))

    def mean(y: int, x: int) -> int:
        return (sum(pixels[2 * y + i][2 * x + j] for i in (0, 1) for j in (0, 1)) + 2) // 4

    @cache
    def lowest(row: int, column: int) -> int:
        return min(
            mean(y, x)
            for y in range(max(0, 2 * row - 1), min(rows // 2, 2 * row + 3))
            for x in range(max(0, 2 * column - 1), min(columns // 2, 2 * column + 3))
        )

    @cache
    def smooth(row: int, column: int) -> int:
        total = 8
        for i, weight_i in ((-1, 1), (0, 2), (1, 1)):
            for j, weight_j in ((-1, 1), (0, 2), (1, 1)):
                y, x = min(max(row + i, 0), cells[0] - 1), min(max(column + j, 0), cells[1] - 1)
                total += weight_i * weight_j * lowest(y, x)
        return total // 16

    def between(place: int, count: int) -> list[tuple[int, int]]:
        # The centre of cell k is at 4 k + 1.5: in eighths of a cell, 8 k + 3.
        low, share = divmod(2 * place - 3, 8)
        return [(min(max(low, 0), count - 1), 8 - share), (min(max(low + 1, 0), count - 1), share)]

    def paper(row: int, column: int) -> int:
        total = 32
        for y, weight_y in between(row, cells[0]):
            for x, weight_x in between(column, cells[1]):
                total += weight_y * weight_x * smooth(y, x)
        return total // 64

    ink = [[max(pixels[y][x] - paper(y, x), 0) for x in range(columns)] for y in range(rows)]
    bright = sorted((value for row in ink for value in row), reverse=True)[max(1, rows * columns // 49) - 1]
    gain = (255 * 256 + max(bright, span) // 2) // max(bright, span)
    return [[min((value * gain + 128) // 256, 255) for value in row] for row in ink]
