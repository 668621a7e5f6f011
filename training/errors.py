"""The error of a training run that cannot succeed."""

from common.errors import UserError


class Diverged(UserError):
    """The weights have left the range of float32 or of the chip's integers.

    where: " in epoch 1, step 2", if that is known.
    """

    def __init__(self, where: str = "") -> None:
        super().__init__(f"Training diverged{where}: lower the learning rate in the model's recipe.")
