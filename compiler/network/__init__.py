"""A trained network in integers: its layers, their shapes, and the range of every value.

Activations are uint8 in planar order: channel, row, column. Constructors check their arguments and raise
UserError, so a Model that exists is one the chip can compute without overflow.

To add a kind of layer, write a dataclass like those of this package and enter it in LAYERS.
"""

from __future__ import annotations

from compiler.network.layer import Layer
from compiler.network.model import DIGITS, IMAGE, Model, little_endian
from compiler.network.normalise import Normalise
from compiler.network.pooling import AVERAGE_SHIFT, AvgPool2d, MaxPool2d, Pool
from compiler.network.tensor import INT32_MAX, INT32_MIN, Tensor, image
from compiler.network.weighted import Conv2d, Linear, Requantisation, Weighted

__all__ = [
    "AVERAGE_SHIFT",
    "DIGITS",
    "IMAGE",
    "INT32_MAX",
    "INT32_MIN",
    "LAYERS",
    "AvgPool2d",
    "Conv2d",
    "Layer",
    "Linear",
    "MaxPool2d",
    "Model",
    "Normalise",
    "Pool",
    "Requantisation",
    "Tensor",
    "Weighted",
    "image",
    "little_endian",
]

LAYERS: dict[str, type[Layer]] = {
    layer.kind: layer for layer in (Linear, Conv2d, MaxPool2d, AvgPool2d, Normalise)
}
