"""Simulated boards with untrained networks: the shapes of untrained.SHAPES, and those at both limits."""

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from common import limits
from common.paths import BUILD
from compiler import model_file, untrained
from compiler.network import Linear, MaxPool2d, Model, image
from tooling import build

SMALLEST, LARGEST = "smallest", "largest"
NAMES = (*untrained.SHAPES, SMALLEST, LARGEST)


@cache
def model(name: str) -> Model:
    """The network of one of NAMES, or a committed one."""
    if name not in NAMES:
        return model_file.load(build.model_file(name))
    if name == LARGEST:
        return _largest()
    if name == SMALLEST:
        return untrained.network(name, (1, limits.MIN_SIDE, limits.MIN_SIDE), ("no", "yes"))
    return untrained.network(name, *untrained.SHAPES[name])


def _largest() -> Model:
    """The largest image and the longest list of names; every character of these is escaped on the link."""
    pooling = MaxPool2d(8, 8)
    source = image((1, limits.MAX_SIDE, limits.MAX_SIDE))
    shape = (limits.MAX_CLASSES, pooling.output(source).count)
    rng = np.random.default_rng(3)
    names = tuple(
        f"{number:06b}".replace("0", ",").replace("1", "=") + 10 * "%" for number in range(shape[0])
    )
    weights, bias = rng.integers(-127, 128, shape), rng.integers(-9999, 9999, shape[0])
    head = Linear(weights.astype(np.int8), bias.astype(np.int32))
    return Model(LARGEST, (pooling, head), 1e-3, {"untrained": 3}, input=source, class_names=names)


@cache
def path_of(name: str) -> Path:
    """The file of a model."""
    if name not in NAMES:
        return build.model_file(name)
    path = BUILD / "untrained" / f"{name}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    model_file.save(model(name), path)
    return path


@cache
def simulated_library(name: str) -> Path:
    """The application with this model on a simulated board, built: firmware/simulated/simulated.h."""
    build.build(build.NATIVE, path_of(name))
    return build.image(build.NATIVE, path_of(name)).with_name("libsimulated.so")


def images(name: str, count: int) -> npt.NDArray[np.uint8]:
    """Images of a model's shape, uint8 (count, channels, rows, columns): sparse, noise, and of one value."""
    rng = np.random.default_rng(5)
    pictures = rng.integers(0, 256, (count, *model(name).input.shape), dtype=np.uint8)
    sparse = pictures[: count // 2]
    sparse[rng.random(sparse.shape) < 0.7] = 0
    for number, value in enumerate((0, 1, 255)):
        pictures[-1 - number] = value
    return pictures
