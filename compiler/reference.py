"""The integer reference: what the network computes, bit for bit.

Every other implementation (the C kernels on native, on a simulator, on the chip) is held to this one.
A new kind of layer registers one function with `run_layer`.
"""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from compiler.network import (
    AVERAGE_SHIFT,
    AvgPool2d,
    Conv2d,
    Layer,
    Linear,
    MaxPool2d,
    Model,
    Normalise,
    Pool,
    Requantisation,
    Tensor,
)
from compiler.network.normalise import CELL, rank
from data.examples import Examples

# Images that go through the layers together: what a convolution unfolds for them stays below 100 MB.
_BATCH = 50


def run(model: Model, images: np.ndarray) -> np.ndarray:
    """The logits, int32 (N, classes), of images, uint8 (N, channels, rows, columns) or of another shape.

    Real logit = integer logit * model.logit_scale. Raises ValueError if the images have another size or type.
    """
    if images.dtype != np.uint8 or images.ndim < 2 or images[:1].size != model.input.count * len(images[:1]):
        shape = ", ".join(map(str, model.input.shape))
        raise ValueError(f"images are uint8 (N, {shape}), not {images.dtype} {images.shape}")
    pictures = images.reshape(len(images), *model.input.shape)
    logits = np.empty((len(images), *model.tensors[-1].shape), np.int32)
    for start in range(0, len(images), _BATCH):
        values = pictures[start : start + _BATCH]
        for layer in model.layers:
            values = run_layer(layer, values)
        logits[start : start + _BATCH] = values
    return logits


def predict(model: Model, images: np.ndarray) -> np.ndarray:
    """The recognised class of each image, uint8 (N,): the largest logit, the lowest class among equals."""
    return run(model, images).argmax(axis=1).astype(np.uint8)


def accuracy(model: Model, examples: Examples) -> float:
    """The share of examples, 0 to 1, that are recognised."""
    return float((predict(model, examples.images) == examples.labels).mean())


def selftest_image(model: Model) -> np.ndarray:
    """The image of the board's self-test, uint8 (channels, rows, columns).

    Each pixel is the top byte of the next state of a linear congruential generator that starts at 1
    (the constants of Numerical Recipes), so that all pixels and all their values take part.
    """
    state = 1
    pixels = []
    for _ in range(model.input.count):
        state = (state * 1_664_525 + 1_013_904_223) % 2**32
        pixels.append(state >> 24)
    return np.array(pixels, np.uint8).reshape(model.input.shape)


@singledispatch
def run_layer(layer: Layer, values: np.ndarray) -> np.ndarray:
    """One layer's output for a batch of inputs (N, ...)."""
    raise NotImplementedError(layer.kind)


@run_layer.register
def _linear(layer: Linear, values: np.ndarray) -> np.ndarray:
    inputs = values.reshape(len(values), -1) >> layer.input_shift
    accumulators = _multiply(inputs, layer.weights) + layer.bias
    return accumulators if layer.requantisation is None else requantise(layer.requantisation, accumulators)


@run_layer.register
def _conv2d(layer: Conv2d, values: np.ndarray) -> np.ndarray:
    around = ((0, 0), (0, 0), (layer.padding,) * 2, (layer.padding,) * 2)
    kernel = layer.weights.shape[2:]
    windows = _windows(np.pad(values >> layer.input_shift, around), kernel, layer.stride)
    images, _, rows, columns, *_ = windows.shape
    of_groups = []
    for channels, weights in zip(
        np.split(windows, layer.groups, axis=1), np.split(layer.weights, layer.groups), strict=True
    ):
        inputs = channels.transpose(0, 2, 3, 1, 4, 5).reshape(images * rows * columns, -1)
        of_groups.append(_multiply(inputs, weights.reshape(len(weights), -1)))
    accumulators = np.concatenate(of_groups, axis=1) + layer.bias
    assert layer.requantisation is not None  # every convolution has one
    outputs = requantise(layer.requantisation, accumulators)
    return outputs.reshape(images, rows, columns, -1).transpose(0, 3, 1, 2)


@run_layer.register
def _maxpool2d(layer: MaxPool2d, values: np.ndarray) -> np.ndarray:
    return _pooled(layer, values).max(axis=(4, 5))


@run_layer.register
def _avgpool2d(layer: AvgPool2d, values: np.ndarray) -> np.ndarray:
    sums = _pooled(layer, values).sum(axis=(4, 5), dtype=np.int32)
    return ((sums * np.int32(layer.multiplier) + (1 << (AVERAGE_SHIFT - 1))) >> AVERAGE_SHIFT).astype(
        np.uint8
    )


@run_layer.register
def _normalise(layer: Normalise, values: np.ndarray) -> np.ndarray:
    """Subtract the paper and stretch what is left, so that one of BRIGHTEST_SHARE pixels reaches 255."""
    ink = np.maximum(values[:, 0].astype(np.int32) - _paper(values[:, 0].astype(np.int32)), 0)
    number = rank(Tensor(values.shape[1:], 0, 255))
    bright = np.sort(ink.reshape(len(ink), -1), axis=1)[:, -number].clip(min=layer.span)
    gain = (255 * 256 + bright // 2) // bright
    return ((ink * gain[:, np.newaxis, np.newaxis] + 128) >> 8).clip(max=255).astype(np.uint8)[:, np.newaxis]


def _paper(pixels: np.ndarray) -> np.ndarray:
    """The brightness of the paper at each of the pixels, int32 (N, rows, columns).

    In each cell it is the smallest mean of 2 x 2 pixels, in the cell or up to two pixels around it. Cells are
    smoothed with the weights 1, 2, 1 along rows and columns, then interpolated.
    """
    count, rows, columns = pixels.shape
    even = pixels[:, : rows // 2 * 2, : columns // 2 * 2]
    means = (even.reshape(count, rows // 2, 2, columns // 2, 2).sum(axis=(2, 4)) + 2) >> 2
    cells = -(-rows // CELL), -(-columns // CELL)
    after = (2 * cells[0] + 1 - rows // 2, 2 * cells[1] + 1 - columns // 2)
    around = np.pad(means, ((0, 0), (1, after[0]), (1, after[1])), constant_values=255)
    lowest = np.lib.stride_tricks.sliding_window_view(around, (4, 4), axis=(1, 2))[:, ::2, ::2].min(
        axis=(3, 4)
    )
    smooth = np.pad(lowest, ((0, 0), (1, 1), (1, 1)), mode="edge")
    smooth = smooth[:, :-2] + 2 * smooth[:, 1:-1] + smooth[:, 2:]
    smooth = (smooth[:, :, :-2] + 2 * smooth[:, :, 1:-1] + smooth[:, :, 2:] + 8) >> 4
    return (_interpolated(_interpolated(smooth, rows, 1), columns, 2) + 32) >> 6


def _interpolated(cells: np.ndarray, pixels: int, axis: int) -> np.ndarray:
    """Eight times the values at the pixels of one axis, linear between the centres of two cells."""
    place = np.arange(pixels)
    cell, within = place // CELL, place % CELL
    neighbour = np.where(within < 2, cell - 1, cell + 1).clip(0, cells.shape[axis] - 1)
    share = np.where((within == 0) | (within == 3), 3, 1).reshape([-1 if a == axis else 1 for a in range(3)])
    return (8 - share) * cells.take(cell, axis) + share * cells.take(neighbour, axis)


def requantise(rule: Requantisation, accumulators: np.ndarray) -> np.ndarray:
    """Activations uint8 (N, outputs) of int32 accumulators (N, outputs), in 32 bits as on the chip."""
    scaled = (accumulators * rule.multiplier.astype(np.int32) + (1 << (rule.shift - 1))) >> rule.shift
    return scaled.clip(0, rule.maximum).astype(np.uint8)


def _multiply(inputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """inputs @ weights.T, int32. In float64, where sums of 32 bits are exact and multiplying is fast."""
    return (inputs.astype(np.float64) @ weights.T.astype(np.float64)).astype(np.int32)


def _pooled(layer: Pool, values: np.ndarray) -> np.ndarray:
    return _windows(values, (layer.size, layer.size), layer.stride)


def _windows(values: np.ndarray, size: tuple[int, ...], stride: int) -> np.ndarray:
    """The windows of pictures (N, channels, rows, columns): a view (N, channels, R, C, *size)."""
    windows = np.lib.stride_tricks.sliding_window_view(values, size, axis=(2, 3))
    return windows[:, :, ::stride, ::stride]
