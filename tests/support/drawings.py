"""Pictures of one digit, drawn by the tests."""

from __future__ import annotations

from typing import Any

from PIL import Image, ImageDraw


def seven(
    size: int = 200,
    ink: Any = 0,
    paper: Any = 255,
    mode: str = "L",
    at: tuple[float, float] = (0.3, 0.2),
) -> Image.Image:
    """A 7 drawn somewhere on a sheet."""
    picture = Image.new(mode, (size, size), paper)
    x, y, side, pen = int(at[0] * size), int(at[1] * size), size // 3, max(2, size // 16)
    draw = ImageDraw.Draw(picture)
    draw.line([(x, y), (x + side, y), (x + side // 3, y + int(side * 1.4))], fill=ink, width=pen)
    return picture


def seven_with_alpha(ink: tuple[int, ...], paper: tuple[int, ...]) -> Image.Image:
    """A 7 in RGBA."""
    picture = Image.new("RGBA", (200, 200), paper)
    picture.paste(Image.new("RGBA", (200, 200), ink), mask=seven(ink=255, paper=0))
    return picture
