"""The error of a picture that cannot be used."""

from common.errors import UserError


class PictureError(UserError):
    """A picture cannot be read, or shows nothing that can be classified. The text does not name the file."""
