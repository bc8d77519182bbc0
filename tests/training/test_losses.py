from __future__ import annotations

import torch

from onboard.training.losses import methane_loss, mineral_loss


def test_right_answers_cost_less_than_wrong_ones() -> None:
    label = torch.zeros(1, 16, 16)
    label[0, 4:8, 4:8] = 1.0
    ones, enhancement = torch.ones_like(label), 3000.0 * label
    right, wrong = (methane_loss(sign * (8.0 * label - 4.0), label, enhancement, ones) for sign in (1, -1))
    assert right < 0.3 * wrong
    many = label[:, None].expand(1, 10, 16, 16)
    assert mineral_loss(8.0 * many - 4.0, many, ones) < mineral_loss(4.0 - 8.0 * many, many, ones)


def test_invalid_pixels_cost_nothing() -> None:
    label, valid = torch.zeros(1, 8, 8), torch.ones(1, 8, 8)
    valid[0, 0] = 0.0
    logits = torch.full((1, 8, 8), -3.0)
    spoiled = logits.clone()
    spoiled[0, 0] = 50.0
    assert methane_loss(logits, label, label, valid) == methane_loss(spoiled, label, label, valid)
    assert mineral_loss(logits[:, None], label[:, None], valid) == mineral_loss(
        spoiled[:, None], label[:, None], valid
    )
