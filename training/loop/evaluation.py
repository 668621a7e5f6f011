"""The accuracy of a network that torch computes."""

from __future__ import annotations

import torch
from torch import nn

from data.examples import Examples
from training.images.tensors import as_input

_BATCH = 500  # images


@torch.no_grad()
def accuracy(network: nn.Module, examples: Examples, device: torch.device) -> float:
    """The share of examples, 0 to 1, whose largest output is the right one."""
    batches = as_input(examples.images).split(_BATCH)
    guesses = torch.cat([network(batch.to(device)).argmax(dim=1).cpu() for batch in batches])
    return float((guesses.numpy() == examples.labels).mean())
