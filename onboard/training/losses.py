"""Losses of the two heads."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

FAINT_PPMM = 1500.0


def methane_loss(logits: Tensor, label: Tensor, enhancement: Tensor, valid: Tensor) -> Tensor:
    """Return weighted cross-entropy plus soft Dice.

    Pixels far fainter than noise weigh less, strong ones more: no network can see the former, and
    an alert depends on the latter.

    Args:
        logits: (n, lines, samples).
        label: (n, lines, samples) 0 or 1.
        enhancement: (n, lines, samples) true ppm m.
        valid: (n, lines, samples) 0 or 1.
    """
    weight = valid * (1.0 + label * (enhancement / FAINT_PPMM).clamp(0.0, 3.0))
    cross = binary_cross_entropy_with_logits(logits, label, weight, reduction="sum") / valid.sum().clamp_min(
        1
    )
    probability = torch.sigmoid(logits) * valid
    overlap = (probability * label).sum()
    dice = 1.0 - (2.0 * overlap + 50.0) / (probability.sum() + (label * valid).sum() + 50.0)
    return 4.0 * cross + 0.5 * dice


def mineral_loss(logits: Tensor, label: Tensor, valid: Tensor) -> Tensor:
    """Return cross-entropy over minerals, with rare presences raised a little.

    Args:
        logits: (n, minerals, lines, samples).
        label: (n, minerals, lines, samples) 0 or 1.
        valid: (n, lines, samples) 0 or 1.
    """
    weight = valid.unsqueeze(1) * (1.0 + 2.0 * label)
    return binary_cross_entropy_with_logits(logits, label, weight, reduction="sum") / valid.sum().clamp_min(1)
