"""The running average of a network's weights, which does better than the weights of any one step."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average:
    """A copy of a network, in eval mode, whose weights and statistics follow the original's slowly.

    decay: how much of the average stays at each step; less in the first steps, so that it forgets the start.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self._decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, steps: int) -> None:
        """Takes the network in as it is after so many steps."""
        decay = min(self._decay, steps / (steps + 10))
        for mean, value in zip(
            self.network.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if mean.dtype.is_floating_point:
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)
