"""What a teacher makes of the training images, for a pupil to learn from (Hinton et al., Distilling the
Knowledge in a Neural Network, 2015).

A lesson is all training images, each under an affine map of its own, and the teacher's logits for them. The
maps follow from the lesson's number, so only the logits are kept: about a megabyte a lesson, in build/, made
once and used by every seed.
"""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from training import model_file
from training.augment import augmented, draw_maps
from training.errors import TrainingError
from training.model_file import AvgPool2d, Conv2d, Layer, Linear, MaxPool2d, Model, Requantisation
from training.models import Augmentation, Teaching
from training.paths import MODELS, RUNS, shown, write_atomically

_BATCH = 100  # small enough for a core's cache: a quarter faster than 500


class Lessons:
    """The lessons of a recipe. images: those of training, float32 (N, 1, 28, 28), 0 to 1.

    Errors: TrainingError where the teacher's model file is missing or damaged, or augmentation is none.
    """

    def __init__(self, teaching: Teaching, augmentation: Augmentation, images: Tensor) -> None:
        file = MODELS / f"{teaching.model}.npz"
        if not file.is_file():
            raise TrainingError(
                f"The recipe's teacher, {shown(file)}, is missing: train it first, or restore it with git."
            )
        if teaching.lessons < 1 or augmentation == Augmentation():
            raise TrainingError("A recipe with a teacher needs lessons, at least 1, and an augmentation.")
        self.teaching, self._augmentation, self._images = teaching, augmentation, images
        self.model = model_file.load(file)
        which = zlib.crc32(repr((self.model.checksum, augmentation, len(images))).encode())
        self.folder = RUNS / "lessons" / f"{teaching.model}-{which:08x}"

    def prepare(self) -> None:
        """Lets the teacher give the lessons that are not at hand yet; Ctrl-C keeps those that are."""
        missing = [k for k in range(self.teaching.lessons) if not self._file(k).is_file()]
        if not missing:
            return
        for number in tqdm(missing, desc=f"{self.teaching.model} teaches", unit="lesson", disable=None):
            content = io.BytesIO()
            np.save(content, self._give(number).numpy().astype(np.float16))
            write_atomically(self._file(number), content.getvalue())

    def attend(self, epoch: int) -> tuple[Tensor, Tensor]:
        """The lesson of an epoch: the maps of draw_maps() and the teacher's logits, float32 (N, 10).

        Errors: TrainingError where its file is damaged.
        """
        number = epoch % self.teaching.lessons
        try:
            logits = np.load(self._file(number), allow_pickle=False).astype(np.float32)
        except (OSError, ValueError, EOFError):
            raise TrainingError(f"{shown(self._file(number))} cannot be read: delete it.") from None
        return self._maps(number), torch.from_numpy(logits)

    def _file(self, number: int) -> Path:
        return self.folder / f"{number}.npy"

    def _maps(self, number: int) -> Tensor:
        return draw_maps(len(self._images), self._augmentation, torch.Generator().manual_seed(number))

    @torch.no_grad()
    def _give(self, number: int) -> Tensor:
        batches = zip(self._images.split(_BATCH), self._maps(number).split(_BATCH), strict=True)
        return torch.cat([logits(self.model, augmented(*batch)).cpu() for batch in batches])


def distillation_loss(pupil: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """The cross-entropy of a pupil's logits (N, 10) and a teacher's, both softened by a temperature.

    Times its square, which keeps the gradients as large as those of the labels.
    """
    targets = functional.softmax(teacher / temperature, dim=1)
    return functional.cross_entropy(pupil / temperature, targets) * temperature**2


def logits(model: Model, images: Tensor) -> Tensor:
    """A model file's real logits (N, 10) for images (N, 1, 28, 28), 0 to 1.

    The chip's to a rounding: PyTorch is fast in floating point, and a teacher needs no bits.
    """
    values = (images * 255).round().to(memory_format=torch.channels_last)
    for layer in model.layers:
        values = _applied(layer, values)
    return values * model.logit_scale


def _applied(layer: Layer, values: Tensor) -> Tensor:
    device = values.device
    match layer:
        case MaxPool2d():
            return functional.max_pool2d(values, layer.size, layer.stride)
        case AvgPool2d():
            return functional.avg_pool2d(values, layer.size, layer.stride).round()
        case Conv2d() | Linear():
            weights = torch.tensor(layer.weights, dtype=torch.float32, device=device)
            bias = torch.tensor(layer.bias, dtype=torch.float32, device=device)
            values = torch.floor(values / 2**layer.input_shift)
    if isinstance(layer, Linear):
        sums = functional.linear(values.flatten(1), weights, bias)
    else:
        weights = weights.to(memory_format=torch.channels_last)
        sums = functional.conv2d(values, weights, bias, layer.stride, layer.padding, 1, layer.groups)
        sums = sums.contiguous(memory_format=torch.channels_last)
    return sums if layer.requantisation is None else _requantised(layer.requantisation, sums)


def _requantised(rule: Requantisation, sums: Tensor) -> Tensor:
    ratio = torch.tensor(rule.multiplier, dtype=torch.float32, device=sums.device) / 2**rule.shift
    return sums.mul_(ratio.view((-1,) + (1,) * (sums.ndim - 2))).round_().clamp_(0, rule.maximum)
