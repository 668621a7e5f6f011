"""Draw a folder of pictures to train on: circles, squares and triangles, in one subfolder each.

python docs/examples/shapes.py FOLDER [PICTURES_OF_EACH_CLASS]
"""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

from PIL import Image, ImageDraw

SIDE = 96  # pixels
CORNERS = {"circle": 64, "square": 4, "triangle": 3}


def draw(corners: int, rng: random.Random) -> Image.Image:
    """One shape in dark ink on light paper: of random size, place, turn and stroke width."""
    paper, ink = rng.randint(200, 255), rng.randint(0, 80)
    radius = rng.uniform(0.25, 0.4) * SIDE
    x, y = (rng.uniform(radius, SIDE - radius) for _ in range(2))
    turn = rng.uniform(0, 2 * math.pi)
    angles = [turn + 2 * math.pi * corner / corners for corner in range(corners + 1)]
    points = [(x + radius * math.cos(angle), y + radius * math.sin(angle)) for angle in angles]
    picture = Image.new("RGB", (SIDE, SIDE), (paper,) * 3)
    ImageDraw.Draw(picture).line(points, (ink,) * 3, rng.randint(4, 9), joint="curve")
    return picture


def main(folder: Path, count: int) -> None:
    """Write `count` pictures of each class, the same in every run."""
    rng = random.Random(1)
    for name, corners in CORNERS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            draw(corners, rng).save(folder / name / f"{number:03}.png")
    print(f"{folder}: {len(CORNERS)} classes of {count} pictures")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200)
