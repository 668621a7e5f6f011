"""The running average of a network's weights. It is more accurate than the weights of any single step."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

N = TypeVar("N", bound=nn.Module)


class Average(Generic[N]):
    """A copy of a network, in eval mode, with the running average of its weights and statistics.

    decay: the share of the average that stays at each step. It is smaller in the first steps, so that the
    average forgets the initial weights.
    """

    def __init__(self, network: N, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, steps: int) -> None:
        """Add the network's weights after this number of steps."""
        decay = min(self._decay, steps / (steps + 10))
        for mean, value in zip(
            self.network.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)
