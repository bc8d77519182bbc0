"""Losses of the two heads."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

FAINT_PPMM = 1500.0
STRONG_LABEL_PPMM = 2000.0


def methane_loss(
    logits: Tensor, label: Tensor, enhancement: Tensor, valid: Tensor, strong_offset: Tensor
) -> Tensor:
    """Return the loss of one logit that answers two questions: is there gas, and is there much of it.

    A proportional-odds model (McCullagh 1980, JRSS B 42, 109): sigmoid(z) is the probability of the label,
    sigmoid(z - offset) that of the label and at least 2000 ppm m. So one output ranks pixels by how
    much gas they hold, and serves truths labelled at either level.

    Args:
        logits: (n, lines, samples).
        label: (n, lines, samples) 0 or 1.
        enhancement: (n, lines, samples) true ppm m.
        valid: (n, lines, samples) 0 or 1.
        strong_offset: () logit between the two levels.
    """
    strong = label * (enhancement >= STRONG_LABEL_PPMM)
    return 0.5 * (
        plume_loss(logits, label, enhancement, valid)
        + plume_loss(logits - strong_offset, strong, enhancement, valid)
    )


def plume_loss(logits: Tensor, label: Tensor, enhancement: Tensor, valid: Tensor) -> Tensor:
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
