"""Local normalisation as a PyTorch module, and its stage. compiler/reference.py defines every bit."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from compiler import network
from compiler.network.normalise import CELL, rank
from training.images.tensors import PIXEL_SCALE
from training.quantise.pooling import stage_of
from training.quantise.stages import Stage


class Normalise(nn.Module):
    """Makes the paper even and black and stretches the ink: images (N, 1, R, C), 0 to 1, in and out.

    It belongs before the first layer with weights. span: the smallest brightness above the paper, of 255,
    that is stretched to 1.
    """

    def __init__(self, span: int = 48) -> None:
        super().__init__()
        self.layer = network.Normalise(span)

    def forward(self, images: Tensor) -> Tensor:
        return normalised((images / PIXEL_SCALE).round(), self.layer.span) / 255

    def extra_repr(self) -> str:
        return f"span={self.layer.span}"


class NormaliseStage(Stage):
    """Local normalisation of the chip's pixels."""

    def __init__(self, layer: network.Normalise) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, values: Tensor, scale: Tensor) -> tuple[Tensor, Tensor]:
        return normalised(values, self.layer.span), scale

    def layers(self, scale: Tensor) -> tuple[list[network.Layer], Tensor]:
        return [self.layer], scale


@stage_of(Normalise)
def _normalise(module: Normalise) -> Stage:
    return NormaliseStage(module.layer)


@torch.no_grad()
def normalised(pixels: Tensor, span: int) -> Tensor:
    """Whole numbers, 0 to 255, float32 (N, 1, R, C), in and out. All values between are whole and exact."""
    rows, columns = pixels.shape[2:]
    paper = _interpolated(_interpolated(_cells(pixels), rows, 2), columns, 3)
    ink = (pixels - ((paper + 32) / 64).floor()).clamp(min=0)
    number = rank(network.Tensor(tuple(pixels.shape[1:]), 0, 255))
    bright = ink.flatten(1).topk(number, dim=1).values[:, -1].clamp(min=span).view(-1, 1, 1, 1)
    # Float division rounds to nearest, so a quotient just below a whole number could reach it.
    gain = torch.div((255 * 256 + (bright / 2).floor()).long(), bright.long(), rounding_mode="floor")
    return ((ink * gain + 128) / 256).floor().clamp(max=255)


def _cells(pixels: Tensor) -> Tensor:
    """The smoothed paper of each cell."""
    rows, columns = pixels.shape[2:]
    means = (functional.avg_pool2d(pixels, 2) + 0.5).floor()
    cells = -(-rows // CELL), -(-columns // CELL)
    around = (1, 2 * cells[1] + 1 - columns // 2, 1, 2 * cells[0] + 1 - rows // 2)
    lowest = -functional.max_pool2d(-functional.pad(means, around, value=255.0), 4, 2)
    smooth = functional.pad(lowest, (1, 1, 1, 1), mode="replicate")
    smooth = smooth[:, :, :-2] + 2 * smooth[:, :, 1:-1] + smooth[:, :, 2:]
    smooth = smooth[..., :-2] + 2 * smooth[..., 1:-1] + smooth[..., 2:]
    return ((smooth + 8) / 16).floor()


def _interpolated(cells: Tensor, pixels: int, axis: int) -> Tensor:
    """Eight times the values at the pixels of one axis."""
    place = torch.arange(pixels, device=cells.device)
    cell, within = place // CELL, place % CELL
    neighbour = torch.where(within < 2, cell - 1, cell + 1).clamp(0, cells.shape[axis] - 1)
    share = torch.where((within == 0) | (within == 3), 3, 1).to(cells.dtype)
    share = share.view([-1 if dimension == axis else 1 for dimension in range(4)])
    return cells.index_select(axis, cell) * (8 - share) + cells.index_select(axis, neighbour) * share
