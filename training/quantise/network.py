"""A network in the chip's integers that can be trained.

Its forward pass equals the reference kernels, bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from common.errors import UserError
from compiler.network import Layer, Model, image
from data import mnist
from data.examples import Interface, Shape
from training.errors import Diverged
from training.images.tensors import PIXEL_SCALE
from training.quantise.conversion import named, stages
from training.quantise.stages import Stage
from training.recipe import Quantisation


def quantised(
    network: nn.Sequential, name: str, rule: Quantisation, images: Tensor | None = None
) -> QuantisedNetwork:
    """A float network in integers, calibrated on images (N, ...) if any are given.

    Raises UserError if a layer is not supported or the rule does not suit the layers.
    """
    try:
        result = QuantisedNetwork(network, rule)
    except UserError as error:
        raise _not_on_the_chip(name, error) from None
    if images is not None:
        result.calibrate(images)
    return result


class QuantisedNetwork(nn.Module):
    """Takes float images (N, channels, rows, columns), 0 to 1, and gives real logits (N, classes)."""

    def __init__(self, network: nn.Sequential, rule: Quantisation) -> None:
        """Raises UserError, with a clause, like conversion.stages()."""
        super().__init__()
        self._stages = nn.ModuleList(stages(network, rule))

    @property
    def stages(self) -> list[Stage]:
        """The stages in order."""
        return [cast(Stage, stage) for stage in self._stages]

    def forward(self, images: Tensor) -> Tensor:
        """The real logits, float32."""
        logits, scale = self.logits(images)
        return (logits * scale).to(images.dtype)

    def logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The chip's logits and their scale: whole numbers in float32, or in float64 if they may need more
        than 24 bits.
        """
        values, scale = self.pixels(images)
        for stage in self.stages:
            values, scale = stage(values, scale)
        return values, scale

    def pixels(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """The pixels of the chip, and their scale."""
        return torch.round(images / PIXEL_SCALE), torch.tensor(PIXEL_SCALE, device=images.device)

    @torch.no_grad()
    def calibrate(self, images: Tensor) -> None:
        """Choose the scales of the activations for these images. Raises Diverged."""
        values, scale = self.pixels(images)
        for stage in self.stages:
            stage.calibrate(values, scale)
            values, scale = stage(values, scale)

    @torch.no_grad()
    def model(
        self,
        name: str,
        interface: Interface = mnist.INTERFACE,
        metadata: Mapping[str, Any] | None = None,
    ) -> Model:
        """The network of the model file. interface: what it takes and answers.

        Raises UserError if layers and interface do not fit together, or Diverged.
        """
        if not all(parameter.isfinite().all() for parameter in self.parameters()):
            raise Diverged
        try:
            layers, scale = self.layers(interface.shape)
            return Model(
                name,
                layers,
                float(scale),
                metadata or {},
                image(interface.shape),
                interface.class_names,
                interface.preparation,
            )
        except Diverged:
            raise
        except UserError as error:
            raise _not_on_the_chip(name, error) from None

    def layers(self, shape: Shape) -> tuple[tuple[Layer, ...], Tensor]:
        """The layers of the model file for images of this shape, and the scale of their logits.

        Raises UserError, with a clause.
        """
        layers: list[Layer] = []
        tensor, scale = image(shape), self.pixels(torch.zeros(1, 1, 1, 1))[1]
        for stage in self.stages:
            with named(stage.name):
                made, scale = stage.layers(scale)
                for layer in made:
                    tensor = layer.output(tensor)
            layers += made
        return tuple(layers), scale


def _not_on_the_chip(name: str, error: UserError) -> UserError:
    return UserError(f"Model {name} cannot be put on the chip: {error}.")
