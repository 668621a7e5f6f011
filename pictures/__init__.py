"""Pictures of any size and colour, and how they become the pixels that a network takes."""

from pictures.errors import PictureError
from pictures.files import Picture, decode, read
from pictures.frame import prepare
from pictures.preparation import Preparation

__all__ = ["Picture", "PictureError", "Preparation", "decode", "prepare", "read"]
