"""AdamW, its parameter groups and its learning rate."""

from __future__ import annotations

import math

import torch
from torch import nn


def adamw(network: nn.Module, weight_decay: float) -> torch.optim.AdamW:
    """AdamW with weight decay for weights, but not for biases, normalisation and scales.

    Set the learning rate before each step.
    """
    parameters = list(network.parameters())
    return torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Use this learning rate from the next step on."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def learning_rate(step: int, steps: int, peak: float, warmup_steps: int) -> float:
    """The learning rate of a step, counted from 0: a linear rise to the peak, then half a cosine to 0."""
    warmup = min(1.0, (step + 1) / (warmup_steps + 1))
    return peak * warmup * (1 + math.cos(math.pi * step / steps)) / 2
