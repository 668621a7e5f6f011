"""Pictures of any size and colour, and how they become the pixels that a network takes."""

from pictures.errors import PictureError
from pictures.files import Picture, decode, read
from pictures.frame import centred, prepare
from pictures.preparation import Preparation
from pictures.sheet import Box, Digit, Sheet, find_digits

__all__ = [
    "Box",
    "Digit",
    "Picture",
    "PictureError",
    "Preparation",
    "Sheet",
    "centred",
    "decode",
    "find_digits",
    "prepare",
    "read",
]
